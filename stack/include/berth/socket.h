/* The BSD-like socket API of berth, with the system's argument types and errno values.
 *
 * Each function does what its namesake without `berth_` does, on a berth host instead of the
 * kernel: the process's current host (berth_host_use in berth/host.h; the first host made, if none
 * was named), or the host that made the descriptor. Errors: -1 and errno. Thread-safe: any thread
 * may call any function; calls block the calling thread only, unless the descriptor is non-blocking
 * (SOCK_NONBLOCK, berth_fcntl O_NONBLOCK, MSG_DONTWAIT).
 *
 * No signal is ever raised (a broken pipe is EPIPE alone). A signal handler that runs in a blocked
 * call ends it with EINTR. Without a host berth_socket says ENETDOWN; a child of fork() has none of
 * its parent's sockets (EBADF).
 *
 * Descriptors are berth's own numbers, from BERTH_FIRST_DESCRIPTOR upward, so they can be told from
 * the kernel's; only berth_* functions understand them. berth_poll takes both kinds in one call.
 */
#ifndef BERTH_SOCKET_H
#define BERTH_SOCKET_H

#include <poll.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#ifdef __cplusplus
extern "C" {
#endif

struct mmsghdr; /* of <sys/socket.h>, with _GNU_SOURCE */
struct timespec;

#define BERTH_FIRST_DESCRIPTOR 0x40000000

int berth_socket(int domain, int type, int protocol);
int berth_bind(int fd, const struct sockaddr* address, socklen_t length);
int berth_listen(int fd, int backlog);
int berth_accept(int fd, struct sockaddr* address, socklen_t* length);
int berth_accept4(int fd, struct sockaddr* address, socklen_t* length, int flags);
int berth_connect(int fd, const struct sockaddr* address, socklen_t length);
ssize_t berth_send(int fd, const void* data, size_t size, int flags);
ssize_t berth_recv(int fd, void* data, size_t size, int flags);
ssize_t berth_sendto(int fd, const void* data, size_t size, int flags,
                     const struct sockaddr* address, socklen_t length);
ssize_t berth_recvfrom(int fd, void* data, size_t size, int flags, struct sockaddr* address,
                       socklen_t* length);
ssize_t berth_read(int fd, void* data, size_t size);
ssize_t berth_write(int fd, const void* data, size_t size);
ssize_t berth_readv(int fd, const struct iovec* parts, int count);
ssize_t berth_writev(int fd, const struct iovec* parts, int count);
/* Messages, with ancillary data of level IPPROTO_IP: IP_PKTINFO, IP_TTL and IP_TOS in both
 * directions, IP_RECVERR with MSG_ERRQUEUE. */
ssize_t berth_sendmsg(int fd, const struct msghdr* message, int flags);
ssize_t berth_recvmsg(int fd, struct msghdr* message, int flags);
int berth_sendmmsg(int fd, struct mmsghdr* messages, unsigned count, int flags);
int berth_recvmmsg(int fd, struct mmsghdr* messages, unsigned count, int flags,
                   struct timespec* timeout);
int berth_shutdown(int fd, int how);
int berth_close(int fd);
int berth_getsockname(int fd, struct sockaddr* address, socklen_t* length);
int berth_getpeername(int fd, struct sockaddr* address, socklen_t* length);
int berth_getsockopt(int fd, int level, int name, void* value, socklen_t* length);
int berth_setsockopt(int fd, int level, int name, const void* value, socklen_t length);
int berth_fcntl(int fd, int command, int argument); /* F_GETFL, F_SETFL with O_NONBLOCK */
/* FIONREAD (SIOCINQ), TIOCOUTQ (SIOCOUTQ), SIOCOUTQNSD, SIOCATMARK, FIONBIO; each takes an int*.
 * ENOTTY: no other, and not of a socket that has no such thing. */
int berth_ioctl(int fd, unsigned long request, ...);
int berth_poll(struct pollfd* fds, nfds_t count, int timeout_ms);

/* The numbers of the process's current host's interfaces, as struct ip_mreqn and in_pktinfo speak
 * of them: 1 is "lo", links follow in the order in which they were added. A link's name is the URL
 * that it was made with, "tap:tap0,loss=1%"; "tap:tap0" and "tap0" name it as well, here and in
 * SO_BINDTODEVICE. 0 and ENODEV: none such. */
unsigned berth_if_nametoindex(const char* name);
/* The whole name, with its NUL, into `size` bytes; NULL and ENXIO: none such; ERANGE: no room. */
char* berth_if_indextoname(unsigned number, char* name, size_t size);

/* Which range of RFC 6335 section 6 a port belongs to. */
enum {
    BERTH_PORT_WELL_KNOWN, /* 0 to 1023: assigned, and for privileged programs on many systems */
    BERTH_PORT_REGISTERED, /* 1024 to 49151: assigned to services */
    BERTH_PORT_DYNAMIC     /* 49152 to 65535: assigned to nobody */
};
int berth_port_range(unsigned short port);

#ifdef __cplusplus
}
#endif
#endif
