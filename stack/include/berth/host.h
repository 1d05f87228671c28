/* Hosts, for C: a berth stack with links, addresses and routes, driven by threads or stepped by
 * hand.
 *
 * Two modes, one library:
 *   threads  (BERTH_HOST_THREADS)  links are real, time is the system's, calls may block; a
 * background thread serves the links and the timers whenever no application thread is inside.
 *   embedded (default)             no thread and no clock: the caller feeds packets in, steps the
 * host to a time, asks for its next deadline, and takes packets out with their emission time. Every
 * socket call is non-blocking (EAGAIN, EINPROGRESS).
 *
 * Times are nanoseconds since an epoch of the caller's choice and never go back. Functions return
 * -1 or NULL on error; berth_host_error() then holds one sentence, valid until the thread's next
 * call.
 */
#ifndef BERTH_HOST_H
#define BERTH_HOST_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct berth_host berth_host;

enum { BERTH_HOST_THREADS = 1 };
enum { BERTH_LINK_ETHERNET = 0, BERTH_LINK_RAW_IP = 1 };

typedef struct berth_host_options {
    size_t size;             /* sizeof(berth_host_options): later versions add fields at the end */
    unsigned flags;          /* BERTH_HOST_THREADS or 0 */
    const char* name;        /* for control sockets and captures; NULL: none */
    int has_seed;            /* 0: the seed comes from the operating system */
    uint64_t seed;           /* the same seed and the same calls give the same packets */
    int64_t start_ns;        /* embedded mode: the time of the first call */
    const char* sysctls;     /* "name=value,name=value" or NULL */
    const char* dns_servers; /* "192.0.2.53,192.0.2.54" or NULL: those that DHCP brings */
    const char* hosts_file;  /* NULL: /etc/hosts; "": none */
} berth_host_options;

/* A packet leaves: `emission_ns` is when. Return 0 if it was taken, nonzero to have it offered
 * again later. */
typedef int (*berth_output)(void* context, const uint8_t* packet, size_t size, int64_t emission_ns);

berth_host* berth_host_create(const berth_host_options* options);
void berth_host_destroy(berth_host* host);
const char* berth_host_error(void);

/* All three return the interface's index. `url` is a link name as on the command line ("tap:tap0").
 */
int berth_host_add_link(berth_host* host, const char* url, const char* mac_or_null);
int berth_host_add_callback_link(berth_host* host, int kind, unsigned mtu, const char* mac_or_null,
                                 berth_output output, void* context);
int berth_host_add_address(berth_host* host, int interface_index,
                           const char* prefix); /* "192.0.2.2/24" */
/* The interface gets its address, routes and DNS servers by DHCP; it needs an Ethernet link. The
 * lease is renewed as long as the host lives. */
int berth_host_add_dhcp(berth_host* host, int interface_index);
/* Blocks (threads mode) until every interface that asks for its address has it (0), or the time is
 * over (-1). */
int berth_host_wait_dhcp(berth_host* host, int timeout_ms);
int berth_host_add_route(berth_host* host, const char* prefix, const char* gateway,
                         int interface_index); /* "0.0.0.0/0", "192.0.2.1", or -1 */

/* Embedded mode. */
int berth_host_input(berth_host* host, int interface_index, const void* packet, size_t size,
                     int64_t now_ns);
int berth_host_step(berth_host* host, int64_t now_ns); /* advance to a time: timers, then output */
int64_t berth_host_next_deadline(const berth_host* host); /* INT64_MAX: none */

/* The host that berth_socket() uses from now on, in every thread; and one socket on a given host.
 */
void berth_host_use(berth_host* host);
int berth_host_socket(berth_host* host, int domain, int type, int protocol);

#ifdef __cplusplus
}
#endif
#endif
