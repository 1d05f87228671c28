/* A host with two addresses answers from the one that it was asked at. A UDP socket bound to the
 * wildcard hears both; IP_PKTINFO tells which was meant, and lets the answer come from there. A
 * client that is connected to the address it asked hears nothing else (RFC 1122 section 4.1.3.5).
 */
#define _DEFAULT_SOURCE /* struct in_pktinfo */
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

static struct sockaddr_in at(const char* address) {
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    inet_pton(AF_INET, address, &in.sin_addr);
    return in;
}

/* Sends back what comes next, from the address that it was sent to. */
static void answer_once(int fd) {
    char data[1500];
    union {
        struct cmsghdr header; /* aligned as the messages have to be */
        char bytes[CMSG_SPACE(sizeof(struct in_pktinfo))];
    } control;
    struct sockaddr_in peer;
    struct iovec part = {.iov_base = data, .iov_len = sizeof data};
    struct msghdr message = {.msg_name = &peer,
                             .msg_namelen = sizeof peer,
                             .msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    ssize_t size = berth_recvmsg(fd, &message, 0);
    if (size < 0) fail("recvmsg");
    struct in_pktinfo* info = (struct in_pktinfo*)CMSG_DATA(CMSG_FIRSTHDR(&message));
    printf("asked at %s", inet_ntoa(info->ipi_addr));
    info->ipi_spec_dst = info->ipi_addr; /* the answer's source; its interface is the route's */
    info->ipi_ifindex = 0;
    part.iov_len = (size_t)size;
    if (berth_sendmsg(fd, &message, 0) < 0) fail("sendmsg");
}

int main(void) {
    const char* const addresses[] = {"192.0.2.2", "127.0.0.1"};
    const int one = 1;
    host_from_environment(); /* without BERTH_ADDRESS: 192.0.2.2; 127.0.0.1 is every host's */

    int server = berth_socket(AF_INET, SOCK_DGRAM, 0);
    const struct sockaddr_in anywhere = at("0.0.0.0");
    if (server < 0) fail("socket");
    if (berth_setsockopt(server, IPPROTO_IP, IP_PKTINFO, &one, sizeof one) < 0) fail("IP_PKTINFO");
    if (berth_bind(server, (const struct sockaddr*)&anywhere, sizeof anywhere) < 0) fail("bind");

    for (int i = 0; i < 2; ++i) {
        char answer[16];
        const struct sockaddr_in asked = at(addresses[i]);
        int client = berth_socket(AF_INET, SOCK_DGRAM, 0);
        if (client < 0) fail("socket");
        if (berth_connect(client, (const struct sockaddr*)&asked, sizeof asked) < 0)
            fail("connect");
        if (berth_send(client, "hello", 5, 0) < 0) fail("send");
        answer_once(server);
        if (berth_recv(client, answer, sizeof answer, 0) != 5) fail("recv");
        printf(", answered from there\n");
        berth_close(client);
    }
    return 0;
}
