/* An echo client: sends one line, half-closes, and prints what comes back.
 *     BERTH_LINK=tap:tap0 BERTH_ADDRESS=192.0.2.2/24 example_echo_client 192.0.2.1 7 'hello'
 */
#include <arpa/inet.h>
#include <berth/socket.h>
#include <ctype.h>
#include <netinet/in.h>
#include <string.h>

#include "host_from_environment.h"

static void fail(const char* what) {
    perror(what);
    exit(1);
}

/* What comes from the network may hold what a terminal would obey. */
static void print_safely(const char* text, ssize_t length) {
    for (ssize_t i = 0; i < length; ++i)
        putchar(text[i] == '\n' || isprint((unsigned char)text[i]) ? text[i] : '?');
}

int main(int argc, char** argv) {
    struct sockaddr_in there = {.sin_family = AF_INET};
    if (argc != 4 || inet_pton(AF_INET, argv[1], &there.sin_addr) != 1) {
        fprintf(stderr, "usage: example_echo_client ADDRESS PORT TEXT\n");
        return 2;
    }
    there.sin_port = htons((uint16_t)atoi(argv[2]));
    host_from_environment();

    int connection = berth_socket(AF_INET, SOCK_STREAM, 0);
    if (connection < 0) fail("socket");
    /* No bind: the route decides our address, and the stack our port. */
    if (berth_connect(connection, (struct sockaddr*)&there, sizeof there) < 0) fail("connect");
    if (berth_send(connection, argv[3], strlen(argv[3]), 0) < 0) fail("send");
    berth_shutdown(connection, SHUT_WR); /* our FIN: no more from us, but we still listen */

    char data[4096];
    ssize_t got;
    while ((got = berth_recv(connection, data, sizeof data, 0)) > 0)
        print_safely(data, got);
    if (got < 0) fail("recv");
    putchar('\n');
    berth_close(connection);
    return 0;
}
