/* A chat server: what one client writes, all others read. One listener, and one connection for each
 * client: 'berth ss' shows that they share a local endpoint and differ in the remote one.
 *     BERTH_LINK=tap:tap0 BERTH_ADDRESS=192.0.2.2/24 BERTH_NAME=chat example_chat [PORT]
 */
#include <arpa/inet.h>
#include <berth/socket.h>
#include <netinet/in.h>
#include <string.h>

#include "host_from_environment.h"

enum { limit = 64 };                 /* sockets: the listener and its clients */
static struct pollfd sockets[limit]; /* sockets[0] is the listener */
static char names[limit][32];
static nfds_t count = 1;

static void tell_others(nfds_t from, const char* text, size_t size) {
    for (nfds_t i = 1; i < count; ++i) {
        if (i == from) continue; /* and one that does not read misses it rather than stop us */
        berth_send(sockets[i].fd, names[from], strlen(names[from]), MSG_DONTWAIT);
        berth_send(sockets[i].fd, text, size, MSG_DONTWAIT);
    }
}

static void welcome(void) {
    struct sockaddr_in peer;
    socklen_t length = sizeof peer;
    int fd = berth_accept(sockets[0].fd, (struct sockaddr*)&peer, &length);
    if (fd < 0) return;
    int port = ntohs(peer.sin_port);
    snprintf(names[count], sizeof names[0], "%s:%d ", inet_ntoa(peer.sin_addr), port);
    sockets[count] = (struct pollfd){.fd = fd, .events = POLLIN};
    tell_others(count++, "is here\n", 8);
}

int main(int argc, char** argv) {
    host_from_environment();
    struct sockaddr_in here = {.sin_family = AF_INET};
    here.sin_port = htons((uint16_t)atoi(argc > 1 ? argv[1] : "5000"));
    sockets[0] = (struct pollfd){.fd = berth_socket(AF_INET, SOCK_STREAM, 0), .events = POLLIN};
    int failed = berth_bind(sockets[0].fd, (struct sockaddr*)&here, sizeof here);
    if (failed == 0) failed = berth_listen(sockets[0].fd, 16);
    while (failed == 0 && berth_poll(sockets, count, -1) > 0) {
        for (nfds_t i = count - 1; i > 0; --i) {
            char text[1024];
            if (sockets[i].revents == 0) continue;
            ssize_t size = berth_recv(sockets[i].fd, text, sizeof text, 0);
            tell_others(i, size > 0 ? text : "has left\n", size > 0 ? (size_t)size : 9);
            if (size > 0) continue;
            berth_close(sockets[i].fd);
            sockets[i] = sockets[--count]; /* the last one moves into the gap */
            memcpy(names[i], names[count], sizeof names[0]);
        }
        if (sockets[0].revents != 0) welcome();
        sockets[0].events = count < limit ? POLLIN : 0; /* when full, they wait in the backlog */
    }
    perror("chat");
    return 1;
}
