#define _DEFAULT_SOURCE /* SO_REUSEPORT */
/* One listener per endpoint, unless all of them agree to share it (SO_REUSEPORT). Then each client
 * is heard by exactly one of them, and by the same one whenever it comes from the same port. */
#include <arpa/inet.h>
#include <berth/socket.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "host_from_environment.h"

enum { PORT = 5000, LISTENERS = 3, CLIENTS = 12, FIRST_CLIENT_PORT = 6000 };

static void fail(const char* what) {
    perror(what);
    exit(1);
}

/* 0 or errno. */
static int listen_at_port(int fd, int share) {
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    berth_setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &share, sizeof share);
    if (berth_bind(fd, (struct sockaddr*)&here, sizeof here) < 0) return errno;
    return berth_listen(fd, 16) < 0 ? errno : 0;
}

/* Which of the listeners hears a client from this port; both ends are gone afterwards. */
static int who_hears(const int* listeners, uint16_t client_port) {
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(client_port)};
    struct sockaddr_in there = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    struct pollfd fds[LISTENERS];
    struct linger at_once = {1, 0};
    int heard = 0;
    int client = berth_socket(AF_INET, SOCK_STREAM, 0);
    here.sin_addr.s_addr = there.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    berth_setsockopt(client, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    if (berth_bind(client, (struct sockaddr*)&here, sizeof here) < 0) fail("bind");
    if (berth_connect(client, (struct sockaddr*)&there, sizeof there) < 0) fail("connect");
    for (int i = 0; i < LISTENERS; ++i)
        fds[i] = (struct pollfd){.fd = listeners[i], .events = POLLIN};
    if (berth_poll(fds, LISTENERS, -1) != 1) fail("poll: not exactly one");
    while (fds[heard].revents == 0)
        ++heard;
    int accepted = berth_accept(listeners[heard], NULL, NULL);
    berth_setsockopt(accepted, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    berth_close(client);
    berth_close(accepted);
    return heard;
}

int main(void) {
    int listeners[LISTENERS];
    int as_expected = 1;
    host_from_environment();
    for (int i = 0; i < LISTENERS; ++i) {
        listeners[i] = berth_socket(AF_INET, SOCK_STREAM, 0);
        if (listen_at_port(listeners[i], 1) != 0) fail("listen");
    }
    printf("%d listeners share port %d\n", LISTENERS, PORT);
    int error = listen_at_port(berth_socket(AF_INET, SOCK_STREAM, 0), 0);
    printf("one that does not share: %s\n", strerror(error));
    as_expected &= error == EADDRINUSE;
    for (int i = 0; i < CLIENTS; ++i) {
        const uint16_t port = (uint16_t)(FIRST_CLIENT_PORT + i);
        const int who = who_hears(listeners, port);
        const int again = who_hears(listeners, port);
        printf("client port %d: listener %d, and once more: listener %d\n", port, who, again);
        as_expected &= who == again;
    }
    return as_expected ? 0 : 1;
}
