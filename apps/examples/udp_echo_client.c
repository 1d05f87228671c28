/* A UDP echo client. UDP repairs nothing: what is lost stays lost, so the client has to ask again.
 *     BERTH_LINK=tap:tap0 BERTH_ADDRESS=192.0.2.2/24 example_udp_echo_client 192.0.2.1 7 'hello'
 */
#include <arpa/inet.h>
#include <berth/socket.h>
#include <netinet/in.h>
#include <string.h>

#include "host_from_environment.h"

static void fail(const char* what) {
    perror(what);
    exit(1);
}

int main(int argc, char** argv) {
    struct sockaddr_in there = {.sin_family = AF_INET};
    if (argc != 4 || inet_pton(AF_INET, argv[1], &there.sin_addr) != 1) {
        fprintf(stderr, "usage: example_udp_echo_client ADDRESS PORT TEXT\n");
        return 2;
    }
    there.sin_port = htons((uint16_t)atoi(argv[2]));
    host_from_environment();

    int fd = berth_socket(AF_INET, SOCK_DGRAM, 0);
    if (fd < 0) fail("socket");
    /* Nothing is sent by this. It fixes the peer: only its datagrams, and its errors, reach us. */
    if (berth_connect(fd, (struct sockaddr*)&there, sizeof there) < 0) fail("connect");
    for (int attempt = 1; attempt <= 5; ++attempt) {
        if (berth_send(fd, argv[3], strlen(argv[3]), 0) < 0) fail("send");
        struct pollfd one = {.fd = fd, .events = POLLIN};
        if (berth_poll(&one, 1, 1000) == 0) {
            fprintf(stderr, "attempt %d: no answer within a second\n", attempt);
            continue;
        }
        char answer[65507];
        ssize_t size = berth_recv(fd, answer, sizeof answer, 0);
        if (size < 0) fail("recv"); /* ECONNREFUSED: ICMP said that the port is unreachable */
        printf("attempt %d: %zd bytes came back, %s\n", attempt, size,
               (size_t)size == strlen(argv[3]) && memcmp(answer, argv[3], (size_t)size) == 0
                   ? "the same"
                   : "others");
        return 0;
    }
    return 1;
}
