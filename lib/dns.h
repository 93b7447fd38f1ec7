/* dns.h - looking names up without blocking
 *
 * How the questions are asked: dns_ask.h. Only qmtpc and smtp-gateway link it.
 * The servers are resolv.conf's, or those of the QUAIL_DNS environment variable
 * (ADDRESS:PORT,...), for tests.
 *
 * Source  RFC 5321 section 5.1; RFC 7505 (null MX)
 * Test    tests/dns_test.c
 */
#ifndef QUAIL_LIB_DNS_H
#define QUAIL_LIB_DNS_H

#include "lib/buf.h"
#include "lib/endpoint.h"
#include "lib/loop.h"

enum { DNS_ADDRESSES_MAX = 16, DNS_MX_MAX = 32, DNS_NAME_MAX = 255 };

enum dns_result {
	DNS_FOUND,
	DNS_NONE, /* the name does not exist, or has no such record */
	DNS_SOFT  /* no usable answer; try later */
};

struct dns_mx {
	uint16_t preference;
	char host[DNS_NAME_MAX + 1]; /* "" for a null MX (RFC 7505) */
};

struct dns;
struct dns_flight;

struct dns_query {
	struct dns *dns; /* NULL: not under way */
	uint16_t port;
	enum dns_result result;
	bool exists;	    /* DNS_NONE: there is the name, but no record */
	bool is_unheard;    /* DNS_SOFT: no server has said anything */
	size_t n_addresses; /* of dns_addresses */
	struct endpoint addresses[DNS_ADDRESSES_MAX];
	size_t n_mx; /* of dns_mx: sorted, equal preference shuffled */
	struct dns_mx mx[DNS_MX_MAX];
	struct dns_flight *flight;
	void (*done)(struct dns_query *q);
};

/* dns_open - start; dies when c-ares does not
 *
 * Owns     dns_close gives it back and ends all queries with DNS_SOFT.
 */
struct dns *
dns_open(struct loop *loop);

void
dns_close(struct dns *dns);

/* dns_addresses - find the addresses of host; v4, v6 and /etc/hosts
 *
 * A numeric host is answered without asking anybody.
 * Needs    q stays in place until q->done has been called, never from
 *          inside this call; or until dns_cancel.
 */
void
dns_addresses(struct dns *dns, struct dns_query *q, struct slice host,
	      uint16_t port, void (*done)(struct dns_query *));

/* dns_mx - find the MX hosts of a domain
 *
 * DNS_NONE: there is no MX record (its A or AAAA serves, says RFC 5321).
 */
void
dns_mx(struct dns *dns, struct dns_query *q, struct slice domain,
       void (*done)(struct dns_query *));

/* dns_servers - append the addresses of those that are asked */
void
dns_servers(const struct dns *dns, struct buf *out);

/* dns_cancel - done will not be called; legal when nothing is under way */
void
dns_cancel(struct dns_query *q);

#endif
