/* The same in C, on the BSD-like API. */
#include <arpa/inet.h>
#include <berth/host.h>
#include <berth/socket.h>
#include <netinet/in.h>
#include <stdio.h>

static int drop(void* context, const uint8_t* packet, size_t size, int64_t when) {
    (void)context, (void)packet, (void)size, (void)when;
    return 0;
}

int main(void) {
    berth_host_options options = {.size = sizeof options, .has_seed = 1, .seed = 1};
    berth_host* host = berth_host_create(&options);
    if (host == NULL) return puts(berth_host_error()), 1;
    int link = berth_host_add_callback_link(host, BERTH_LINK_RAW_IP, 1500, NULL, drop, NULL);
    if (berth_host_add_address(host, link, "192.0.2.2/24") != 0) return puts(berth_host_error()), 1;
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(7)};
    int fd = berth_host_socket(host, AF_INET, SOCK_STREAM, 0);
    if (berth_bind(fd, (struct sockaddr*)&name, sizeof name) != 0 || berth_listen(fd, 1) != 0)
        return perror("berth"), 1;
    berth_close(fd);
    berth_host_destroy(host);
    return puts("listened on port 7") < 0;
}
