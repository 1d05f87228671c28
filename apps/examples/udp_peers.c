/* Prints whom a UDP socket hears: everybody, or, once it is connected, its peer alone.
 *     example_udp_peers 5000                     hears every sender
 *     example_udp_peers 5000 192.0.2.1 6000      hears only 192.0.2.1:6000
 */
#include <arpa/inet.h>
#include <berth/socket.h>
#include <netinet/in.h>

#include "host_from_environment.h"

static void fail(const char* what) {
    perror(what);
    exit(1);
}

int main(int argc, char** argv) {
    struct sockaddr_in here = {.sin_family = AF_INET}, peer = {.sin_family = AF_INET};
    if ((argc != 2 && argc != 4) ||
        (argc == 4 && inet_pton(AF_INET, argv[2], &peer.sin_addr) != 1)) {
        fprintf(stderr, "usage: example_udp_peers PORT [PEER-ADDRESS PEER-PORT]\n");
        return 2;
    }
    here.sin_port = htons((uint16_t)atoi(argv[1]));
    host_from_environment();

    int fd = berth_socket(AF_INET, SOCK_DGRAM, 0);
    if (fd < 0) fail("socket");
    if (berth_bind(fd, (struct sockaddr*)&here, sizeof here) < 0) fail("bind");
    if (argc == 4) {
        peer.sin_port = htons((uint16_t)atoi(argv[3]));
        if (berth_connect(fd, (struct sockaddr*)&peer, sizeof peer) < 0) fail("connect");
    }
    for (;;) {
        char datagram[65507];
        socklen_t length = sizeof peer;
        ssize_t size =
            berth_recvfrom(fd, datagram, sizeof datagram, 0, (struct sockaddr*)&peer, &length);
        if (size < 0) fail("recvfrom");
        printf("%zd bytes from %s:%d\n", size, inet_ntoa(peer.sin_addr), ntohs(peer.sin_port));
        fflush(stdout);
    }
}
