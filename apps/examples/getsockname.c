/* "The server gives each client a new port": it does not. An accepted socket keeps the listener's
 * port; what tells it apart is the other end. Connect to it twice or more and read.
 *     BERTH_LINK=tap:tap0 BERTH_ADDRESS=192.0.2.2/24 example_getsockname [PORT]
 */
#include <arpa/inet.h>
#include <berth/socket.h>
#include <netinet/in.h>

#include "host_from_environment.h"

static void fail(const char* what) {
    perror(what);
    exit(1);
}

static void print_endpoint(const char* label, const struct sockaddr_in* address) {
    printf("%s %s:%d", label, inet_ntoa(address->sin_addr), ntohs(address->sin_port));
}

int main(int argc, char** argv) {
    host_from_environment();
    struct sockaddr_in local = {.sin_family = AF_INET}, remote;
    local.sin_port = htons((uint16_t)atoi(argc > 1 ? argv[1] : "5000"));
    int listener = berth_socket(AF_INET, SOCK_STREAM, 0);
    if (listener < 0) fail("socket");
    if (berth_bind(listener, (struct sockaddr*)&local, sizeof local) < 0) fail("bind");
    if (berth_listen(listener, 16) < 0) fail("listen");

    socklen_t length = sizeof local;
    if (berth_getsockname(listener, (struct sockaddr*)&local, &length) < 0) fail("getsockname");
    print_endpoint("listener: local", &local);
    printf("\n");
    for (int number = 1;; ++number) { /* the connections stay open, so that all can be seen */
        fflush(stdout);
        int connection = berth_accept(listener, NULL, NULL);
        if (connection < 0) fail("accept");
        length = sizeof local;
        if (berth_getsockname(connection, (struct sockaddr*)&local, &length) < 0)
            fail("getsockname");
        length = sizeof remote;
        if (berth_getpeername(connection, (struct sockaddr*)&remote, &length) < 0)
            fail("getpeername");
        printf("connection %d:", number);
        print_endpoint(" local", &local);
        print_endpoint(", remote", &remote);
        printf("\n");
    }
}
