/* lookup.h - where to connect for a smarthost or a domain
 *
 * A smarthost: its addresses. A domain: its MX hosts by preference, down to
 * (not including) ourselves, and their addresses; without any MX its own
 * addresses. [192.0.2.1] and [IPv6:...] are themselves. What is no place for
 * mail of others is left out (self.h).
 *
 *   what DNS says                       the verdict
 *   no such domain                      D (#5.1.2)
 *   the domain, but no MX, no address   D (#5.1.2)
 *   null MX (RFC 7505)                  D (#5.1.10)
 *   we are the best MX, or nothing      D (#5.4.6)
 *   but localhost is named
 *   MX hosts without any address        Z (#4.4.4)
 *   nothing but private networks        Z (#4.4.4): our table, perhaps
 *   no usable answer                    Z (#4.4.3)
 *   no such smarthost                   Z (#4.4.3): our table, our trouble
 *   a smarthost's name is our own door  Z (#4.4.6): the same
 *
 * Source  RFC 5321 section 5.1
 * Test    tests/smtp_out.t
 */
#ifndef QUAIL_SMTP_LOOKUP_H
#define QUAIL_SMTP_LOOKUP_H

#include "lib/dns.h"
#include "lib/verdict.h"
#include "smtp-gateway/self.h"

enum {
	TARGETS_MAX = 16,
	LOOKUP_MS = 30000 /* then no further MX host is asked for */
};

struct target {
	struct endpoint to;
	uint16_t preference;
	uint8_t name_len;
	char name[DNS_NAME_MAX];
};

struct targets {
	size_t n;
	struct target at[TARGETS_MAX];
};

/* Who asks. */
struct asker {
	struct dns *dns;
	const struct config *config;
	struct slice helo; /* the pool's name; may be empty */
	bool is_test;	   /* self.h */
};

struct lookup {
	struct asker by;
	struct dns_query query;
	uint16_t port;
	bool is_mx;	 /* of a domain, not of a smarthost */
	bool exists;	 /* the domain: a server knows its name */
	bool is_unheard; /* no server answers */
	bool soft;	 /* some host had no usable answer */
	bool loops;	 /* something was left out: it is we, or nobody */
	bool is_private; /* ... in a private network */
	int64_t until_ms;
	size_t n_mx, next; /* mx hosts; which one is asked for */
	struct dns_mx mx[DNS_MX_MAX];
	char domain[DNS_NAME_MAX + 1];
	struct targets targets;
	struct verdict verdict; /* when targets.n is 0 */
	void (*done)(struct lookup *l);
	void *user; /* the caller's own */
};

/* lookup_smarthost, lookup_domain - find out; done is called later, once
 *
 * Needs    *l all zero and in place until done or lookup_cancel.
 * Takes    name: copied. by: all that it names is kept.
 */
void
lookup_smarthost(struct lookup *l, const struct asker *by, struct slice name,
		 uint16_t port, void (*done)(struct lookup *));

void
lookup_domain(struct lookup *l, const struct asker *by, struct slice name,
	      uint16_t port, void (*done)(struct lookup *));

/* lookup_cancel - done will not be called */
void
lookup_cancel(struct lookup *l);

#endif
