/* netdb.c - getaddrinfo(3) for the static leaf: a host's addresses, out of
 * /etc/hosts, else from the name servers of /etc/resolv.conf
 *
 * What qmqpc/resolve.c asks for and no more: a name, a port as a number,
 * stream sockets. A name is asked for as it is, then behind each domain of
 * "search" while it does not exist. Addresses of IPv4 come first. Blocks,
 * N_ROUNDS times WAIT_MS a server; the asker has its own deadline. A third
 * of the room of libc's.
 *
 * Test  tests/leafparts_test.c, tests/leaf_static.t
 */
#include "lib/clock.h"
#include "lib/dnswire.h"
#include "lib/endpoint.h"
#include "packaging/leaf/lines.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	SERVERS_MAX = 3,
	SEARCH_MAX = 256, /* bytes of the line */
	FOUND_MAX = 16,
	N_ROUNDS = 2,
	WAIT_MS = 3000,
	DNS_PORT = 53
};

/* One piece of memory an address, so that freeing is simple. */
struct found {
	struct addrinfo info; /* first: what our caller knows */
	struct endpoint at;
};

struct answer {
	struct addrinfo **last;
	uint16_t port;
	unsigned n;
};

static void
add(struct answer *r, const struct endpoint *at)
{
	struct found *f = r->n < FOUND_MAX ? calloc(1, sizeof *f) : NULL;

	if (!f)
		return;
	f->at = *at;
	f->info.ai_family = at->a.any.sa_family;
	f->info.ai_socktype = SOCK_STREAM;
	f->info.ai_addrlen = at->len;
	f->info.ai_addr = &f->at.a.any;
	*r->last = &f->info;
	r->last = &f->info.ai_next;
	r->n++;
}

/* the file */

static void
ask_file(struct answer *r, struct slice name)
{
	static struct lines l;
	struct slice rest, first, word;
	struct endpoint at;

	lines_open(&l, "/etc/hosts");
	while (lines_next(&l, &rest)) {
		rest.len = slice_find(rest, '#');
		first = slice_word(&rest);
		while ((word = slice_word(&rest)).len > 0)
			if (slice_case_eq(word, name) &&
			    endpoint_parse(&at, first, r->port) == 0)
				add(r, &at);
	}
	lines_close(&l);
}

/* the servers */

struct servers {
	struct endpoint at[SERVERS_MAX];
	size_t n, search_len;
	char search[SEARCH_MAX];
};

static void
take_line(struct servers *s, struct slice rest)
{
	struct slice key = slice_word(&rest);

	rest = slice_trim(rest);
	if (slice_eq(key, SLICE("nameserver")) && s->n < SERVERS_MAX &&
	    endpoint_parse(&s->at[s->n], slice_word(&rest), DNS_PORT) == 0)
		s->n++;
	if ((slice_eq(key, SLICE("search")) ||
	     slice_eq(key, SLICE("domain"))) &&
	    rest.len <= sizeof s->search) {
		memcpy(s->search, rest.at, rest.len);
		s->search_len = rest.len;
	}
}

static void
read_servers(struct servers *s)
{
	static struct lines l;
	struct slice line;

	s->n = s->search_len = 0; /* of the last time */
	lines_open(&l, "/etc/resolv.conf");
	while (lines_next(&l, &line))
		take_line(s, line);
	lines_close(&l);
	if (s->n == 0)
		take_line(s, SLICE("nameserver 127.0.0.1"));
}

/* Replies until the right one, or the end of the time. */
static enum dnswire_result
hear(int fd, const struct dnswire_query *q, uint8_t (*list)[16], size_t *n)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};
	int64_t until_ms = clock_ms() + WAIT_MS, left_ms;
	static char reply[DNSWIRE_REPLY_MAX];
	enum dnswire_result r;
	ssize_t len;

	while ((left_ms = until_ms - clock_ms()) > 0 &&
	       poll(&pfd, 1, (int)left_ms) > 0) {
		len = recv(fd, reply, sizeof reply, 0);
		if (len < 0)
			break;
		r = dnswire_take(q, slice_of(reply, (size_t)len), list,
				 FOUND_MAX, n);
		if (r != DNSWIRE_FOREIGN)
			return r;
	}
	return DNSWIRE_FAILED;
}

/* A port of its own for each question: two numbers to guess, not one. */
static enum dnswire_result
ask_server(const struct endpoint *at, const struct dnswire_query *q,
	   uint8_t (*list)[16], size_t *n)
{
	int fd = socket(at->a.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	enum dnswire_result r = DNSWIRE_FAILED;

	if (fd < 0)
		return r;
	if (connect(fd, &at->a.any, at->len) == 0 &&
	    send(fd, q->bytes, q->len, 0) == (ssize_t)q->len)
		r = hear(fd, q, list, n);
	close(fd);
	return r;
}

static void
add_bytes(struct answer *r, unsigned type, const uint8_t *bytes)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET,
				 .sin_port = htons(r->port)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6,
				  .sin6_port = htons(r->port)};
	struct endpoint at = {.len = type == DNSWIRE_A ? sizeof v4 : sizeof v6};

	memcpy(&v4.sin_addr, bytes, 4);
	memcpy(&v6.sin6_addr, bytes, 16);
	memcpy(&at.a, type == DNSWIRE_A ? (void *)&v4 : &v6, at.len);
	add(r, &at);
}

static enum dnswire_result
ask_type(struct answer *r, const struct servers *s, struct slice name,
	 unsigned type)
{
	enum dnswire_result result = DNSWIRE_FAILED;
	static uint8_t list[FOUND_MAX][16];
	struct dnswire_query q;
	size_t i, n = 0;
	uint16_t id;

	if (getrandom(&id, sizeof id, 0) != sizeof id ||
	    dnswire_ask(&q, name, type, id) != 0)
		return DNSWIRE_NO_NAME;
	for (i = 0; i < s->n * N_ROUNDS && result == DNSWIRE_FAILED; i++)
		result = ask_server(&s->at[i % s->n], &q, list, &n);
	for (i = 0; result == DNSWIRE_FOUND && i < n; i++)
		add_bytes(r, type, list[i]);
	return result;
}

static enum dnswire_result
ask_name(struct answer *r, const struct servers *s, struct slice name)
{
	enum dnswire_result v4 = ask_type(r, s, name, DNSWIRE_A), v6;

	if (v4 != DNSWIRE_FOUND)
		return v4;
	v6 = ask_type(r, s, name, DNSWIRE_AAAA);
	return r->n > 0 ? DNSWIRE_FOUND : v6;
}

static enum dnswire_result
ask_servers(struct answer *r, struct slice name)
{
	static struct servers s;
	static char longer[512];
	struct slice search, domain;
	enum dnswire_result result;

	read_servers(&s);
	search = slice_of(s.search, s.search_len);
	result = ask_name(r, &s, name);
	while (result == DNSWIRE_NO_NAME &&
	       (domain = slice_word(&search)).len > 0) {
		if (name.len + 1 + domain.len > sizeof longer)
			continue;
		memcpy(longer, name.at, name.len);
		longer[name.len] = '.';
		memcpy(longer + name.len + 1, domain.at, domain.len);
		result = ask_name(r, &s,
				  slice_of(longer, name.len + 1 + domain.len));
	}
	return result;
}

int
getaddrinfo(const char *host, const char *service,
	    const struct addrinfo *wanted, struct addrinfo **list)
{
	struct answer r = {.last = list};
	uint64_t port;

	(void)wanted;
	*list = NULL;
	if (slice_number(slice_text(service), UINT16_MAX, &port) != 0)
		return EAI_SERVICE;
	r.port = (uint16_t)port;
	ask_file(&r, slice_text(host));
	if (r.n > 0)
		return 0;
	if (ask_servers(&r, slice_text(host)) == DNSWIRE_FAILED && r.n == 0)
		return EAI_AGAIN;
	return r.n > 0 ? 0 : EAI_NONAME;
}

const char *
gai_strerror(int e)
{
	return e == EAI_AGAIN	 ? "the name servers do not answer"
	       : e == EAI_NONAME ? "no address for this name"
				 : "no port";
}
