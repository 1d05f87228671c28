/* Attaches an example to a network, by two variables of its environment:
 *     BERTH_LINK=tap:tap0 BERTH_ADDRESS=192.0.2.2/24 example_echo_server
 * and perhaps BERTH_GATEWAY=192.0.2.1. From then on berth_socket() makes sockets on that host.
 */
#ifndef BERTH_EXAMPLES_HOST_FROM_ENVIRONMENT_H
#define BERTH_EXAMPLES_HOST_FROM_ENVIRONMENT_H

#include <berth/host.h>
#include <stdio.h>
#include <stdlib.h>

static int to_nowhere(void* context, const uint8_t* packet, size_t size, int64_t emission_ns) {
    (void)context, (void)packet, (void)size, (void)emission_ns;
    return 0;
}

static inline void host_from_environment(void) {
    const char* link = getenv("BERTH_LINK");
    const char* address = getenv("BERTH_ADDRESS");
    const char* gateway = getenv("BERTH_GATEWAY");
    berth_host_options options = {.size = sizeof options, .flags = BERTH_HOST_THREADS};
    options.name = getenv("BERTH_NAME"); /* for 'berth ss --host NAME' */
    berth_host* host = berth_host_create(&options);
    int interface = -1;
    if (host != NULL && link != NULL) {
        interface = berth_host_add_link(host, link, NULL);
    } else if (host != NULL) {
        fprintf(stderr, "BERTH_LINK is not set: this host is alone\n");
        interface =
            berth_host_add_callback_link(host, BERTH_LINK_RAW_IP, 1500, NULL, to_nowhere, NULL);
    }
    if (interface < 0 ||
        berth_host_add_address(host, interface, address != NULL ? address : "192.0.2.2/24") < 0 ||
        (gateway != NULL && berth_host_add_route(host, "0.0.0.0/0", gateway, -1) < 0)) {
        fprintf(stderr, "%s\n", berth_host_error());
        exit(1);
    }
    berth_host_use(host);
}

#endif
