/* Port 0 in a bind means "choose for me". RFC 6335 names the ranges; a stack chooses from more than
 * the dynamic one, because a port that is hard to guess is hard to attack (RFC 6056 3.2). */
#include <arpa/inet.h>
#include <berth/socket.h>
#include <netinet/in.h>

#include "host_from_environment.h"

static void fail(const char* what) {
    perror(what);
    exit(1);
}

static const char* range_of(int port) {
    switch (berth_port_range((unsigned short)port)) {
        case BERTH_PORT_WELL_KNOWN: return "well-known";
        case BERTH_PORT_REGISTERED: return "registered";
        default: return "dynamic";
    }
}

static int bound_port(int fd, uint16_t wanted) {
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(wanted)};
    socklen_t length = sizeof here;
    if (berth_bind(fd, (struct sockaddr*)&here, sizeof here) < 0) fail("bind");
    if (berth_getsockname(fd, (struct sockaddr*)&here, &length) < 0) fail("getsockname");
    return ntohs(here.sin_port);
}

int main(void) {
    host_from_environment();
    for (int i = 0; i < 3; ++i) {
        int fd = berth_socket(AF_INET, SOCK_STREAM, 0);
        if (fd < 0) fail("socket");
        int port = bound_port(fd, 0);
        printf("port 0 became %d, a %s port\n", port, range_of(port));
        berth_close(fd);

        /* Closed, so it is free again: the next socket can have the very same one. */
        fd = berth_socket(AF_INET, SOCK_STREAM, 0);
        if (fd < 0) fail("socket");
        printf("    after close: bound to %d again\n", bound_port(fd, (uint16_t)port));
        berth_close(fd);
    }
    return 0;
}
