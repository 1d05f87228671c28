/* Two programs on one machine talk through sockets, and no link takes part. The server listens at
 * every address of the host; the client reaches it by 127.0.0.1 and by the host's own address. Both
 * ends of a connection are then on one host: its two sockets are each other's mirror image.
 *     example_loopback
 *     BERTH_NAME=me example_loopback 60 &    stays for a minute: berth ss --host me
 */
#include <arpa/inet.h>
#include <berth/socket.h>
#include <netinet/in.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "host_from_environment.h"

enum { PORT = 5000 };

static void fail(const char* what) {
    perror(what);
    exit(1);
}

static void print_ends(const char* who, int fd) {
    struct sockaddr_in here, there;
    socklen_t length = sizeof here;
    berth_getsockname(fd, (struct sockaddr*)&here, &length);
    berth_getpeername(fd, (struct sockaddr*)&there, &length);
    printf("%s: %s:%d", who, inet_ntoa(here.sin_addr), ntohs(here.sin_port));
    printf(" <-> %s:%d\n", inet_ntoa(there.sin_addr), ntohs(there.sin_port));
}

/* The one program: sends back what comes. */
static void* serve(void* listener) {
    int fd;
    while ((fd = berth_accept(*(int*)listener, NULL, NULL)) >= 0) {
        char data[64];
        ssize_t size = berth_recv(fd, data, sizeof data, 0);
        print_ends("server", fd);
        if (size < 0 || berth_send(fd, data, (size_t)size, 0) < 0) fail("serve");
    }
    return NULL;
}

/* The other one. */
static void talk_to(const char* address) {
    char answer[64];
    struct sockaddr_in there = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    int fd = berth_socket(AF_INET, SOCK_STREAM, 0);
    inet_pton(AF_INET, address, &there.sin_addr);
    if (berth_connect(fd, (struct sockaddr*)&there, sizeof there) < 0) fail(address);
    print_ends("client", fd);
    if (berth_send(fd, "hello", 5, 0) < 0) fail("send");
    if (berth_recv(fd, answer, 5, MSG_WAITALL) != 5) fail("recv");
}

int main(int argc, char** argv) {
    struct sockaddr_in anywhere = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    pthread_t server;
    host_from_environment(); /* without BERTH_ADDRESS: 192.0.2.2 */
    int listener = berth_socket(AF_INET, SOCK_STREAM, 0);
    if (berth_bind(listener, (struct sockaddr*)&anywhere, sizeof anywhere) < 0) fail("bind");
    if (berth_listen(listener, 5) < 0) fail("listen");
    pthread_create(&server, NULL, serve, &listener);
    talk_to("127.0.0.1");
    talk_to(getenv("BERTH_ADDRESS") == NULL ? "192.0.2.2" : strtok(getenv("BERTH_ADDRESS"), "/"));
    if (argc > 1) sleep((unsigned)atoi(argv[1]));
    return 0;
}
