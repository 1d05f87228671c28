/* A UDP echo server: one socket, many peers, and no connection with any of them.
 *     BERTH_LINK=tap:tap0 BERTH_ADDRESS=192.0.2.2/24 example_udp_echo_server [PORT]
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
    host_from_environment();
    struct sockaddr_in here = {.sin_family = AF_INET};
    here.sin_port = htons((uint16_t)atoi(argc > 1 ? argv[1] : "7"));

    int fd = berth_socket(AF_INET, SOCK_DGRAM, 0);
    if (fd < 0) fail("socket");
    if (berth_bind(fd, (struct sockaddr*)&here, sizeof here) < 0) fail("bind");
    for (;;) {
        char datagram[65507]; /* the largest there is */
        struct sockaddr_in peer;
        socklen_t length = sizeof peer;
        ssize_t size =
            berth_recvfrom(fd, datagram, sizeof datagram, 0, (struct sockaddr*)&peer, &length);
        if (size < 0) fail("recvfrom");
        printf("%zd bytes from %s:%d\n", size, inet_ntoa(peer.sin_addr), ntohs(peer.sin_port));
        fflush(stdout);
        if (ntohs(peer.sin_port) < 1024) continue; /* another service: two echoes would never end */
        berth_sendto(fd, datagram, (size_t)size, 0, (struct sockaddr*)&peer, length);
    }
}
