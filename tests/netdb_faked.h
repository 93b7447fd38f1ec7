/* netdb_faked.h - the static leaf's getaddrinfo, whose files and servers are
 * what a harness says (tests/fuzz/netdb_fuzz.c)
 *
 * It is a file of its own, beside the harnesses, so that the fuzzer watches it.
 */
#ifndef QUAIL_TESTS_NETDB_FAKED_H
#define QUAIL_TESTS_NETDB_FAKED_H

#include <netdb.h>
#include <poll.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

enum {
	NETDB_FOUND_MAX = 16,
	NETDB_ASKED_MAX = 3 * 2 * (1 + 256 / 2) /* questions of a type */
};

int
leaf_getaddrinfo(const char *host, const char *service,
		 const struct addrinfo *wanted, struct addrinfo **list);

const char *
leaf_gai_strerror(int e);

/* what it calls, the harness's */

int
fake_open(const char *path, int how);

ssize_t
fake_read(int fd, void *to, size_t n);

int
fake_close(int fd);

int
fake_socket(int family, int type, int protocol);

int
fake_connect(int fd, const struct sockaddr *to, socklen_t len);

ssize_t
fake_send(int fd, const void *at, size_t n, int flags);

int
fake_poll(struct pollfd *p, nfds_t n, int ms);

ssize_t
fake_recv(int fd, void *to, size_t room, int flags);

ssize_t
fake_random(void *to, size_t n, unsigned flags);

int64_t
fake_ms(void);

#endif
