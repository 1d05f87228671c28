/* TCP is a stream, UDP keeps datagrams apart: three sends each way, to an echo server on both.
 *     berth serve --link unix:/tmp/lab.sock,listen --address 192.0.2.2/24 echo &
 *     export BERTH_LINK=unix:/tmp/lab.sock BERTH_ADDRESS=192.0.2.3/24
 *     example_stream_and_datagrams 192.0.2.2 7
 */
#include <arpa/inet.h>
#include <berth/socket.h>
#include <netinet/in.h>
#include <string.h>

#include "host_from_environment.h"

static const char* const words[] = {"one", "two", "three"};
enum { total = 3 + 3 + 5 };

static void fail(const char* what) {
    perror(what);
    exit(1);
}

static void try_with(int type, const struct sockaddr_in* there) {
    int fd = berth_socket(AF_INET, type, 0);
    if (fd < 0 || berth_connect(fd, (const struct sockaddr*)there, sizeof *there) < 0)
        fail("connect");
    for (int i = 0; i < 3; ++i)
        if (berth_send(fd, words[i], strlen(words[i]), 0) < 0) fail("send");

    /* Answers that come within a second; each line is one recv. */
    struct pollfd one = {.fd = fd, .events = POLLIN};
    for (size_t seen = 0; seen < total && berth_poll(&one, 1, 1000) > 0;) {
        char data[100];
        /* The stream is read when all of it is there; its three sends have left no trace. */
        int flags = type == SOCK_STREAM ? MSG_WAITALL : 0;
        ssize_t got = berth_recv(fd, data, type == SOCK_STREAM ? total : sizeof data, flags);
        if (got <= 0) fail("recv");
        printf("    recv gave %zd bytes\n", got);
        seen += (size_t)got;
    }
    berth_close(fd);
}

int main(int argc, char** argv) {
    struct sockaddr_in there = {.sin_family = AF_INET};
    if (argc != 3 || inet_pton(AF_INET, argv[1], &there.sin_addr) != 1) {
        fprintf(stderr, "usage: example_stream_and_datagrams ADDRESS PORT\n");
        return 2;
    }
    there.sin_port = htons((uint16_t)atoi(argv[2]));
    host_from_environment();
    printf("TCP, three sends:\n");
    try_with(SOCK_STREAM, &there);
    printf("UDP, three sends:\n");
    try_with(SOCK_DGRAM, &there);
    return 0;
}
