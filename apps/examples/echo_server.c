/* An echo server (RFC 862): what comes in goes out again. One client after the other.
 *     BERTH_LINK=tap:tap0 BERTH_ADDRESS=192.0.2.2/24 example_echo_server [PORT]
 */
#include <arpa/inet.h>
#include <berth/socket.h>
#include <netinet/in.h>

#include "host_from_environment.h"

static void fail(const char* what) {
    perror(what);
    exit(1);
}

static void echo(int connection) {
    char data[4096];
    ssize_t got;
    while ((got = berth_recv(connection, data, sizeof data, 0)) > 0) {
        /* TCP is a stream: send may take less than it is given. */
        for (ssize_t sent = 0; sent < got;) {
            ssize_t put = berth_send(connection, data + sent, (size_t)(got - sent), 0);
            if (put < 0) return;
            sent += put;
        }
    } /* 0: the client has sent its FIN */
}

int main(int argc, char** argv) {
    host_from_environment();
    struct sockaddr_in here = {.sin_family = AF_INET}; /* address 0.0.0.0: any of this host's */
    here.sin_port = htons((uint16_t)atoi(argc > 1 ? argv[1] : "7"));

    int listener = berth_socket(AF_INET, SOCK_STREAM, 0);
    if (listener < 0) fail("socket");
    if (berth_bind(listener, (struct sockaddr*)&here, sizeof here) < 0) fail("bind");
    if (berth_listen(listener, 16) < 0) fail("listen");
    for (;;) {
        struct sockaddr_in peer;
        socklen_t length = sizeof peer;
        int connection = berth_accept(listener, (struct sockaddr*)&peer, &length);
        if (connection < 0) fail("accept");
        printf("connected: %s:%d\n", inet_ntoa(peer.sin_addr), ntohs(peer.sin_port));
        fflush(stdout);
        echo(connection);
        berth_close(connection);
    }
}
