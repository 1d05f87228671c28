/* Names and addresses on a berth host, with the system's struct addrinfo and error numbers.
 *
 * Each function does what its namesake without `berth_` does (RFC 3493, POSIX), for IPv4 and for
 * the process's current host (berth_host_use in berth/host.h): an address as it is, then the host's
 * hosts file, then its DNS servers, which are asked over the host's own sockets. Nothing is taken
 * from the system's resolver settings. Services are looked up in the system's services database.
 *
 * Thread-safe. A lookup by DNS blocks the calling thread only; on an embedded host it says
 * EAI_AGAIN (addresses and the hosts file work there too). Without a host: EAI_SYSTEM and ENETDOWN.
 *
 * Flags of berth_getaddrinfo: AI_PASSIVE, AI_CANONNAME, AI_NUMERICHOST, AI_NUMERICSERV;
 * AI_ADDRCONFIG, AI_V4MAPPED and AI_ALL change nothing. Families: AF_UNSPEC and AF_INET. Numeric
 * addresses are taken in their canonical form only (four decimal numbers). Flags of
 * berth_getnameinfo: NI_NUMERICHOST, NI_NUMERICSERV, NI_NAMEREQD, NI_DGRAM, NI_NOFQDN (which
 * changes nothing).
 */
#ifndef BERTH_NETDB_H
#define BERTH_NETDB_H

#include <netdb.h>
#include <sys/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Where a strict C mode hides the system's definition. */
struct addrinfo;

/* `result` is to be freed with berth_freeaddrinfo. 0, or an EAI_ number. */
int berth_getaddrinfo(const char* node, const char* service, const struct addrinfo* hints,
                      struct addrinfo** result);
void berth_freeaddrinfo(struct addrinfo* list);
const char* berth_gai_strerror(int error);

/* 0, or an EAI_ number; EAI_OVERFLOW: a buffer is too small. */
int berth_getnameinfo(const struct sockaddr* address, socklen_t length, char* host,
                      socklen_t host_size, char* service, socklen_t service_size, int flags);

#ifdef __cplusplus
}
#endif
#endif
