#include "lib/proxy.h"

#include <netinet/in.h>

enum {
	VERSION_COMMAND = 12, /* where they are */
	FAMILY = 13,
	LENGTH = 14,
	LOCAL = 0x20,
	PROXY = 0x21,
	UNSPECIFIED = 0x00,
	TCP4 = 0x11,
	TCP6 = 0x21,
	UNIX = 0x31,
	TCP4_BYTES = 12,
	TCP6_BYTES = 36,
	UNIX_BYTES = 216,
	CERTAIN = 4
};

static const char signature[VERSION_COMMAND + 1] = "\r\n\r\n\0\r\nQUIT\n";

static bool
same(const void *bytes, size_t n)
{
	return memcmp(bytes, signature,
		      n < VERSION_COMMAND ? n : VERSION_COMMAND) == 0;
}

bool
proxy_begins(struct slice bytes)
{
	return bytes.len >= CERTAIN && same(bytes.at, bytes.len);
}

/* How long the addresses must be; -1: we do not take such a connection. */
static int
addresses(const struct proxy *p)
{
	if (p->bytes[VERSION_COMMAND] == LOCAL)
		return 0;
	if (p->bytes[VERSION_COMMAND] != PROXY)
		return -1;
	switch (p->bytes[FAMILY]) {
	case UNSPECIFIED: return 0;
	case TCP4: return TCP4_BYTES;
	case TCP6: return TCP6_BYTES;
	case UNIX: return UNIX_BYTES;
	default: return -1;
	}
}

static bool
wants_peer(const struct proxy *p)
{
	return p->bytes[VERSION_COMMAND] == PROXY &&
	       (p->bytes[FAMILY] == TCP4 || p->bytes[FAMILY] == TCP6);
}

static enum proxy_result
bad(struct proxy *p)
{
	p->bad = true;
	return PROXY_BAD;
}

static void
take_peer(struct proxy *p)
{
	const uint8_t *at = p->bytes + PROXY_HEAD;
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

	if (p->bytes[FAMILY] == TCP4) {
		memcpy(&v4.sin_addr, at, 4);
		memcpy(&v4.sin_port, at + 8, 2);
		memcpy(&p->peer.a, &v4, sizeof v4);
		p->peer.len = sizeof v4;
	} else {
		memcpy(&v6.sin6_addr, at, 16);
		memcpy(&v6.sin6_port, at + 32, 2);
		memcpy(&p->peer.a, &v6, sizeof v6);
		p->peer.len = sizeof v6;
	}
	p->has_peer = true;
}

size_t
proxy_wants(const struct proxy *p)
{
	if (p->bad)
		return 0;
	return p->n_bytes < PROXY_HEAD ? PROXY_HEAD - p->n_bytes : p->left;
}

static enum proxy_result
head_done(struct proxy *p)
{
	int least = addresses(p);

	p->left = (size_t)(p->bytes[LENGTH] << 8 | p->bytes[LENGTH + 1]);
	if (least < 0 || p->left < (size_t)least)
		return bad(p);
	return p->left ? PROXY_MORE : PROXY_DONE;
}

/* What is behind the addresses is only counted. */
static void
keep(struct proxy *p, struct slice bytes)
{
	size_t room = sizeof p->bytes - p->n_bytes;
	size_t n = bytes.len < room ? bytes.len : room;

	memcpy(p->bytes + p->n_bytes, bytes.at, n);
	p->n_bytes += n;
}

enum proxy_result
proxy_push(struct proxy *p, struct slice bytes)
{
	if (p->bad || bytes.len > proxy_wants(p))
		return bad(p);
	if (p->n_bytes < PROXY_HEAD) {
		keep(p, bytes);
		if (!same(p->bytes, p->n_bytes))
			return bad(p);
		return p->n_bytes < PROXY_HEAD ? PROXY_MORE : head_done(p);
	}
	keep(p, bytes);
	p->left -= bytes.len;
	if (p->left > 0)
		return PROXY_MORE;
	if (wants_peer(p))
		take_peer(p);
	return PROXY_DONE;
}
