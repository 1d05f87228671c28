/* One datagram for everybody who listens: multicast. A receiver joins a group; a sender needs not.
 *     example_multicast               two sockets of this host join, a third sends: both hear it
 *     example_multicast listen        prints what is sent to the group, from this host and others
 *     example_multicast send TEXT     sends to the group
 * The group is 233.252.0.1, which RFC 5771 section 9.2 keeps for documentation. */
#define _DEFAULT_SOURCE /* struct ip_mreq */
#include <arpa/inet.h>
#include <berth/socket.h>
#include <netinet/in.h>
#include <string.h>

#include "host_from_environment.h"

enum { PORT = 5000 };

static void fail(const char* what) {
    perror(what);
    exit(1);
}

static struct sockaddr_in group_at_port(void) {
    struct sockaddr_in group = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    inet_pton(AF_INET, "233.252.0.1", &group.sin_addr);
    return group;
}

static int new_socket(void) {
    int fd = berth_socket(AF_INET, SOCK_DGRAM, 0);
    if (fd < 0) fail("socket");
    return fd;
}

/* Bound to the group, so that nothing else that is sent to the port is heard. SO_REUSEADDR lets
 * several sockets have it: each gets its own copy. */
static int new_receiver(void) {
    const int one = 1;
    const struct sockaddr_in group = group_at_port();
    const struct ip_mreq membership = {.imr_multiaddr = group.sin_addr};
    int fd = new_socket();
    if (berth_setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0) fail("SO_REUSEADDR");
    if (berth_bind(fd, (const struct sockaddr*)&group, sizeof group) < 0) fail("bind");
    if (berth_setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &membership, sizeof membership) < 0)
        fail("IP_ADD_MEMBERSHIP");
    return fd;
}

static void send_text(int fd, const char* text) {
    const struct sockaddr_in group = group_at_port();
    if (berth_sendto(fd, text, strlen(text), 0, (const struct sockaddr*)&group, sizeof group) < 0)
        fail("sendto");
}

static void print_next(int fd, const char* who) {
    char text[1500];
    struct sockaddr_in from;
    socklen_t length = sizeof from;
    ssize_t size = berth_recvfrom(fd, text, sizeof text, 0, (struct sockaddr*)&from, &length);
    if (size < 0) fail("recvfrom");
    printf("%s heard %.*s from %s:%d\n", who, (int)size, text, inet_ntoa(from.sin_addr),
           ntohs(from.sin_port));
    fflush(stdout);
}

int main(int argc, char** argv) {
    if (argc > 1 && strcmp(argv[1], "listen") != 0 && (argc != 3 || strcmp(argv[1], "send") != 0)) {
        fprintf(stderr, "usage: example_multicast [listen | send TEXT]\n");
        return 2;
    }
    host_from_environment();
    if (argc == 3) {
        send_text(new_socket(), argv[2]);
        return 0;
    }
    int first = new_receiver();
    if (argc == 2)
        for (;;)
            print_next(first, "this host");
    int second = new_receiver();
    send_text(new_socket(), "hello");
    print_next(first, "the first");
    print_next(second, "the second");
    return 0;
}
