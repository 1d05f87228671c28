/* What a bind may not do, and what it may. */
#include <arpa/inet.h>
#include <berth/socket.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "host_from_environment.h"

/* Binds, says what came of it, and tells whether that is what was to be expected. */
static int attempt(const char* what, int fd, const char* address, uint16_t port, int expected) {
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, address, &here.sin_addr);
    int error = berth_bind(fd, (struct sockaddr*)&here, sizeof here) < 0 ? errno : 0;
    printf("%-48s %s\n", what, error == 0 ? "ok" : strerror(error));
    return error == expected;
}

int main(void) {
    host_from_environment();
    int first = berth_socket(AF_INET, SOCK_STREAM, 0);
    int second = berth_socket(AF_INET, SOCK_STREAM, 0);
    int datagrams = berth_socket(AF_INET, SOCK_DGRAM, 0);
    int elsewhere = berth_socket(AF_INET, SOCK_STREAM, 0);
    int as_expected = 1;
    as_expected &= attempt("TCP socket A to port 5000", first, "0.0.0.0", 5000, 0);
    berth_listen(first, 16);
    /* One socket has one port. */
    as_expected &= attempt("A again, to port 5001", first, "0.0.0.0", 5001, EINVAL);
    /* One listener per endpoint. */
    as_expected &= attempt("TCP socket B to port 5000", second, "0.0.0.0", 5000, EADDRINUSE);
    /* TCP and UDP have port spaces of their own. */
    as_expected &= attempt("UDP socket C to port 5000", datagrams, "0.0.0.0", 5000, 0);
    /* An address that this host does not have. */
    as_expected &= attempt("TCP socket D to 198.51.100.9:5000", elsewhere, "198.51.100.9", 5000,
                           EADDRNOTAVAIL);
    return as_expected ? 0 : 1;
}
