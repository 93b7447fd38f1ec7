/* netdb - the static leaf's getaddrinfo: /etc/hosts and /etc/resolv.conf of
 * any bytes, and replies of any servers
 *
 * The name, the two files, and then a string for each reply: a first byte that
 * is odd means that it begins as an answer to the question does.
 */
#include "tests/fuzz/fuzz.h"
#include "tests/netdb_faked.h"

#include <stdlib.h>

enum { HOSTS = 1000, RESOLV, SOCKET };

static struct slice hosts, resolv, replies;
static struct slice *reading;
static uint8_t asked[600];
static size_t asked_len;
static unsigned n_asked;
static int64_t time_ms;

int
fake_open(const char *path, int how)
{
	bool is_hosts = strcmp(path, "/etc/hosts") == 0;

	(void)how;
	reading = is_hosts ? &hosts : &resolv;
	return is_hosts ? HOSTS : RESOLV;
}

ssize_t
fake_read(int fd, void *to, size_t n)
{
	struct slice s = fuzz_take(reading, n);

	fuzz_check(fd == HOSTS || fd == RESOLV);
	memcpy(to, s.at, s.len);
	return (ssize_t)s.len;
}

int
fake_close(int fd)
{
	fuzz_check(fd >= HOSTS && fd <= SOCKET);
	return 0;
}

int
fake_socket(int family, int type, int protocol)
{
	(void)type, (void)protocol;
	fuzz_check(family == AF_INET || family == AF_INET6);
	return SOCKET;
}

int
fake_connect(int fd, const struct sockaddr *to, socklen_t len)
{
	(void)to, (void)len;
	fuzz_check(fd == SOCKET);
	return 0;
}

ssize_t
fake_send(int fd, const void *at, size_t n, int flags)
{
	(void)flags;
	fuzz_check(fd == SOCKET && n <= sizeof asked);
	memcpy(asked, at, n);
	asked_len = n;
	n_asked++;
	return (ssize_t)n;
}

int
fake_poll(struct pollfd *p, nfds_t n, int ms)
{
	(void)p, (void)n;
	fuzz_check(ms > 0);
	time_ms += 400;
	return replies.len > 0;
}

ssize_t
fake_recv(int fd, void *to, size_t room, int flags)
{
	struct slice r = fuzz_string(&replies);
	uint8_t kind = fuzz_byte(&r), *out = to;
	size_t n = 0;

	(void)flags;
	fuzz_check(fd == SOCKET);
	if (kind % 2) { /* id, flags, counts and question as asked */
		n = asked_len < room ? asked_len : room;
		memcpy(out, asked, n);
		out[2] |= 0x80;
		out[3] = (uint8_t)(kind >> 4);
		out[7] = (uint8_t)(kind >> 1 & 7);
	}
	r = fuzz_take(&r, room - n);
	memcpy(out + n, r.at, r.len);
	return (ssize_t)(n + r.len);
}

ssize_t
fake_random(void *to, size_t n, unsigned flags)
{
	(void)flags;
	memset(to, 0x5a, n);
	return (ssize_t)n;
}

int64_t
fake_ms(void)
{
	return time_ms;
}

static void
check_list(struct addrinfo *a)
{
	struct addrinfo *next;
	unsigned n = 0;

	for (; a; a = next, n++) {
		fuzz_check(a->ai_family == AF_INET || a->ai_family == AF_INET6);
		fuzz_check(a->ai_addr->sa_family == a->ai_family);
		fuzz_check(a->ai_addrlen >= sizeof(struct sockaddr_in) &&
			   a->ai_socktype == SOCK_STREAM);
		next = a->ai_next;
		free(a);
	}
	fuzz_check(n > 0 && n <= NETDB_FOUND_MAX);
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
	struct slice in = slice_of((const char *)at, n);
	struct slice name = fuzz_string(&in);
	struct addrinfo *list;
	char host[256];
	int r;

	hosts = fuzz_string(&in);
	resolv = fuzz_string(&in);
	replies = in;
	n_asked = 0;
	time_ms = 0;
	name.len = slice_find(name, 0);
	memcpy(host, name.at, name.len);
	host[name.len] = 0;
	r = leaf_getaddrinfo(host, "628", NULL, &list);
	if (r == 0)
		check_list(list);
	else
		fuzz_check(!list && leaf_gai_strerror(r));
	/* two types, as it is and behind each of the words of a line */
	fuzz_check(n_asked <= 2 * NETDB_ASKED_MAX);
	return 0;
}
