/* leafparts_test.c - the static leaf's parts of a libc (packaging/leaf/),
 * compiled here under other names: malloc, getaddrinfo, and the lines of
 * files that getaddrinfo reads; the others are in leaflibc_test.c
 *
 * Its files are in a directory of ours, its name server is a child of ours on
 * any port; one that says nothing is in leaf_static.t.
 */
#include "lib/dnswire.h"
#include "lib/endpoint.h"
#include "tests/tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

/* alloc.c */

void *
leaf_malloc(size_t n);
void
leaf_free(void *at);
void *
leaf_realloc(void *at, size_t n);
void *
leaf_calloc(size_t n, size_t size);
void *
leaf_reallocarray(void *at, size_t n, size_t size);

#define malloc	     leaf_malloc
#define free	     leaf_free
#define realloc	     leaf_realloc
#define calloc	     leaf_calloc
#define reallocarray leaf_reallocarray
#include "packaging/leaf/alloc.c"
#undef malloc
#undef free
#undef realloc
#undef calloc
#undef reallocarray

enum { PIECES = 64, STEPS = 20000, LONGEST = 200000 };

static struct {
	unsigned char *at;
	size_t len;
	unsigned char fill;
} pieces[PIECES];

static bool
is_whole(size_t i, size_t len)
{
	size_t k;

	for (k = 0; k < len; k++)
		if (pieces[i].at[k] != pieces[i].fill)
			return false;
	return true;
}

/* Sizes of all classes, most of them small, now and then a mapping. */
static size_t
some_size(uint32_t r)
{
	return r % 61 == 0 ? r % LONGEST : r % 7 == 0 ? r % 5000 : r % 100;
}

static uint32_t
next(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/* Each piece keeps what was written into it, whatever the others do. */
static void
test_alloc_keeps(void)
{
	size_t bad = 0, unaligned = 0, step, i, len, kept;
	uint32_t seed = 1;

	for (step = 0; step < STEPS; step++) {
		i = next(&seed) % PIECES;
		len = some_size(next(&seed));
		if (pieces[i].at && next(&seed) % 2) {
			bad += !is_whole(i, pieces[i].len);
			leaf_free(pieces[i].at);
			pieces[i].at = leaf_malloc(len);
		} else {
			kept = len < pieces[i].len ? len : pieces[i].len;
			pieces[i].at = leaf_realloc(pieces[i].at, len);
			bad += !is_whole(i, kept);
		}
		unaligned += (uintptr_t)pieces[i].at % 16 != 0;
		pieces[i].len = len;
		pieces[i].fill = (unsigned char)step;
		memset(pieces[i].at, (int)step & 255, len);
	}
	for (i = 0; i < PIECES; i++) {
		bad += pieces[i].at && !is_whole(i, pieces[i].len);
		leaf_free(pieces[i].at);
	}
	ok(bad == 0, "malloc: %d pieces, %d steps: nothing is written over",
	   PIECES, STEPS);
	ok(unaligned == 0, "malloc: aligned for anything");
}

static void
test_alloc_edges(void)
{
	unsigned char *a, *b;
	size_t n, k, dirty = 0;

	for (n = 1; n < 70000; n = n * 2 + 1) {
		a = leaf_malloc(n);
		memset(a, 0xff, n);
		leaf_free(a);
		b = leaf_calloc(1, n);
		for (k = 0; k < n; k++)
			dirty += b[k] != 0;
		leaf_free(b);
	}
	ok(dirty == 0, "calloc: zeroes, also where something was before");
	a = leaf_malloc(100);
	leaf_free(a);
	ok(leaf_malloc(100) == (void *)a, "malloc: what was freed comes again");
	leaf_free(a);
	leaf_free(NULL);
	a = leaf_reallocarray(NULL, 3, 5);
	ok(a && leaf_reallocarray(a, SIZE_MAX / 8 + 2, 8) == NULL &&
	       leaf_calloc(SIZE_MAX / 8 + 2, 8) == NULL && errno == ENOMEM,
	   "no product that does not fit");
	ok(!leaf_malloc(SIZE_MAX) && !leaf_malloc(PTRDIFF_MAX - 4096) &&
	       !leaf_realloc(a, SIZE_MAX - 8),
	   "no size that cannot be");
	leaf_free(a);
}

/* A mapping that grows, moves, and grows again. */
static void
test_alloc_mapping(void)
{
	unsigned char *a = leaf_malloc(100000), *between;
	size_t n, bad = 0, k;

	memset(a, 1, 100000);
	for (n = 300000; n < 5000000; n *= 2) {
		between = leaf_malloc(100000);
		a = leaf_realloc(a, n);
		for (k = 0; k < n / 2 && k < 100000; k++)
			bad += a[k] != 1;
		bad += n > 300000 && a[n / 2 - 1] != 1;
		memset(a, 1, n);
		leaf_free(between);
	}
	leaf_free(a);
	ok(bad == 0, "realloc: a mapping keeps all of it");
	ok(((struct piece *)(void *)(a = leaf_realloc(leaf_malloc(70000),
						      200000)) -
	    1)
		   ->size >= 200000 + HEAD,
	   "realloc: and knows how long it is");
	leaf_free(a);
}

static bool
traps(size_t n, size_t size)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		size_t *a = leaf_malloc(n);

		a[-2] = size;
		leaf_free(a);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return WIFSIGNALED(status);
}

static void
test_alloc_traps(void)
{
	ok(traps(100, 100) && traps(100, 0) && traps(100, 16) &&
	       traps(100000, 100001) && traps(100, SIZE_MAX),
	   "free: a size that was written over ends the process");
	ok(!traps(100, 128), "free: the right one does not");
}

/* lines.c, netdb.c */

#include "packaging/leaf/lines.c"

static char hosts[] = "/tmp/quail-hosts-XXXXXX";
static char resolv[] = "/tmp/quail-resolv-XXXXXX";
static uint16_t dns_port; /* network order */

static const char *
ours(const char *path)
{
	return strcmp(path, "/etc/hosts") == 0 ? hosts : resolv;
}

static int
parse_ours(struct endpoint *e, struct slice host, uint16_t port)
{
	return endpoint_parse(e, host, port == 53 ? ntohs(dns_port) : port);
}

int
leaf_getaddrinfo(const char *host, const char *service,
		 const struct addrinfo *wanted, struct addrinfo **list);
const char *
leaf_gai_strerror(int e);

#define endpoint_parse	    parse_ours
#define lines_open(l, path) lines_open(l, ours(path))
#define getaddrinfo	    leaf_getaddrinfo
#define gai_strerror	    leaf_gai_strerror
#define calloc		    leaf_calloc
#define add		    netdb_add
#include "packaging/leaf/netdb.c"
#undef endpoint_parse
#undef lines_open
#undef calloc

static void
write_to(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	ok_quiet(fd >= 0 &&
		     write(fd, text, strlen(text)) == (ssize_t)strlen(text),
		 "%s written", path);
	close(fd);
}

/* What a name becomes: "127.0.0.1:628 ::1:628", or why not. */
static const char *
found(const char *name, const char *service)
{
	static char text[1024];
	struct addrinfo *list, *a, *after;
	int e = leaf_getaddrinfo(name, service, NULL, &list);
	size_t n = 0;

	text[0] = 0;
	if (e != 0)
		return leaf_gai_strerror(e);
	for (a = list; a; a = after) {
		const struct sockaddr_in6 *v6 = (void *)a->ai_addr;
		const struct sockaddr_in *v4 = (void *)a->ai_addr;
		char ip[64];

		inet_ntop(a->ai_family,
			  a->ai_family == AF_INET ? (const void *)&v4->sin_addr
						  : &v6->sin6_addr,
			  ip, sizeof ip);
		n += (size_t)snprintf(text + n, sizeof text - n, "%s%s:%u",
				      n ? " " : "", ip, ntohs(v4->sin_port));
		after = a->ai_next;
		leaf_free(a);
	}
	return text;
}

/* More than the room holds, so that a line is read in two parts. */
static void
test_lines_many(void)
{
	static char all[20000];
	struct lines l;
	struct slice line;
	size_t n = 0, good = 0, at = 0;
	char text[32];
	const char *c;

	for (n = 0; n < 700; n++)
		at +=
		    (size_t)snprintf(all + at, sizeof all - at,
				     "127.0.0.%zu many%zu\n", n % 250, n % 30);
	write_to(hosts, all);
	lines_open(&l, hosts);
	for (n = 0; lines_next(&l, &line); n++) {
		snprintf(text, sizeof text, "127.0.0.%zu many%zu", n % 250,
			 n % 30);
		good += slice_eq(line, slice_text(text));
	}
	lines_close(&l);
	ok(n == 700 && good == n, "lines: each of 700, in order");
	for (n = 1, c = found("many7", "1"); *c; c++)
		n += *c == ' ';
	ok(n == 16, "hosts: 16 addresses and no more");
}

static void
test_hosts(void)
{
	struct lines l;
	struct slice line;
	char longest[2 * LINES_MAX + 64];
	size_t n = 0;

	write_to(hosts, "# 127.0.0.9 hub\n127.0.0.1 localhost Hub\n"
			"::1\thub hub6 # 127.0.0.8\nnonsense hub\n"
			"127.0.0.7 other # hub\n"
			"127.0.0.2 hub");
	ok(!strcmp(found("HUB", "628"), "127.0.0.1:628 ::1:628"),
	   "hosts: each line that has the name; none without an end");
	ok(!strcmp(found("hub6", "65535"), "::1:65535"), "hosts: one more");
	ok(!strcmp(found("hub", "65536"), "no port"), "ports end at 65535");
	memset(longest, 'x', sizeof longest);
	memcpy(longest + sizeof longest - 6, "\nlast\n", 6);
	longest[sizeof longest - 1] = 0;
	write_to(hosts, longest);
	lines_open(&l, hosts);
	while (lines_next(&l, &line))
		n++;
	lines_close(&l);
	ok(n == 0, "lines: one too long is none, one without LF neither");
	longest[sizeof longest - 1] = 0;
	longest[sizeof longest - 2] = '\n';
	write_to(hosts, longest);
	lines_open(&l, hosts);
	n = lines_next(&l, &line) && slice_eq(line, SLICE("las"));
	lines_close(&l);
	ok(n == 1, "lines: the one behind it is found");
	test_lines_many();
	write_to(hosts, "");
}

/* the name server: "many.test" has 20 addresses, "hub.a.test" two, "wait.test"
 * an error, "cut.test" two of which the last is cut; all others do not exist */

static size_t
put_answers(uint8_t *to, unsigned n, unsigned type)
{
	size_t len = type == 1 ? 4 : 16, at = 0;
	unsigned i;

	for (i = 1; i <= n; i++) {
		const uint8_t head[] = {0xc0, 12, 0, (uint8_t)type, 0, 1, 0, 0,
					0,    60, 0, (uint8_t)len};

		memcpy(to + at, head, sizeof head);
		memset(to + at + sizeof head, 0, len);
		to[at + sizeof head + len - 1] = (uint8_t)i;
		at += sizeof head + len;
	}
	return at;
}

static size_t
reply_to(uint8_t *q, size_t len)
{
	unsigned type = q[len - 3], n = 0, code = 0;

	if (!memcmp(q + 12, "\3hub\1a\4test", 12))
		n = type == 1 ? 2 : 1;
	else if (!memcmp(q + 12, "\4many\4test", 11))
		n = type == 1 ? 20 : 0;
	else if (!memcmp(q + 12, "\4wait\4test", 11))
		code = 2;
	else if (!memcmp(q + 12, "\3cut\4test", 10))
		n = 3;
	else
		code = 3;
	q[2] = 0x81;
	q[3] = (uint8_t)(0x80 | code);
	q[7] = (uint8_t)n;
	if (!memcmp(q + 12, "\3cut\4test", 10))
		return len + put_answers(q + len, 2, type) - 5;
	return len + put_answers(q + len, n, type);
}

static _Noreturn void
serve(int fd)
{
	static uint8_t q[2048];
	struct sockaddr_in from;
	socklen_t from_len = sizeof from;
	ssize_t len;
	size_t n;

	alarm(30);
	while ((len = recvfrom(fd, q, 512, 0, (struct sockaddr *)&from,
			       &from_len)) > 16) {
		n = reply_to(q, (size_t)len);
		q[0] ^= 1; /* somebody who guesses comes first */
		sendto(fd, q, n, 0, (struct sockaddr *)&from, from_len);
		q[0] ^= 1;
		sendto(fd, q, n, 0, (struct sockaddr *)&from, from_len);
		from_len = sizeof from;
	}
	_exit(0);
}

static pid_t
start_server(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t len = sizeof at;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	pid_t pid;

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, (struct sockaddr *)&at, len) != 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &len) != 0)
		exit(111);
	dns_port = at.sin_port;
	pid = fork();
	if (pid == 0)
		serve(fd);
	close(fd);
	return pid;
}

static void
test_servers(void)
{
	pid_t pid = start_server();
	const char *all;
	size_t n = 1;

	write_to(resolv, "# nameserver 127.0.0.8\nnameserver nonsense\n"
			 "nameserver 127.0.0.1\nsearch b.test a.test\n");
	ok(!strcmp(found("hub.a.test", "1"), "0.0.0.1:1 0.0.0.2:1 ::1:1"),
	   "servers: addresses of both kinds, none of who guesses");
	ok(!strcmp(found("hub", "1"), "0.0.0.1:1 0.0.0.2:1 ::1:1"),
	   "servers: behind the second domain of search");
	ok(!strcmp(found("none", "1"), "no address for this name"),
	   "servers: no such name");
	ok(!strcmp(found("wait.test", "1"), "the name servers do not answer"),
	   "servers: one that cannot say");
	ok(!strcmp(found("cut.test", "1"), "0.0.0.1:1 ::1:1"),
	   "servers: a reply that was cut, as far as it goes");
	for (all = found("many.test", "1"); *all; all++)
		n += *all == ' ';
	ok(n == 16, "servers: 16 addresses and no more");
	ok(!strcmp(found("a..b", "1"), "no address for this name"),
	   "servers: a name that cannot be asked for");
	write_to(resolv, "nameserver 127.0.0.2\nnameserver 127.0.0.1\n");
	ok(!strcmp(found("hub.a.test", "1"), "0.0.0.1:1 0.0.0.2:1 ::1:1"),
	   "servers: the second when nobody is at the first");
	write_to(resolv, "");
	ok(!strcmp(found("hub.a.test", "1"), "0.0.0.1:1 0.0.0.2:1 ::1:1"),
	   "servers: the one of this machine when none is named");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

int
main(void)
{
	test_alloc_keeps();
	test_alloc_edges();
	test_alloc_mapping();
	test_alloc_traps();
	close(mkstemp(hosts));
	close(mkstemp(resolv));
	test_hosts();
	test_servers();
	unlink(hosts);
	unlink(resolv);
	return tap_done();
}
