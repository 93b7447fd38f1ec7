/* keys.h - how the tables lie in a map
 *
 * Keys are "TABLE\0KEY", values "FILE:LINE\0VALUE". All letters of keys are
 * lower case.
 *
 *   table         KEY                         VALUE                repeats
 *   me            (empty)                     the host's name
 *   listen        protocol                    ADDRESS:PORT [proxy=N,N...]
 *                                                                  yes
 *   qmqpservers   (empty)                     HOST:PORT, or        yes
 *                                             qmqps:HOST:PORT[/PIN]
 *   qmqpservers   order, timeout, lifetime,   a number
 *                 spool
 *   access        network_key                 rights, decimal [OPTION=VALUE
 *                                             ...]
 *   access        the 32 bytes of a pin       rights, a name [the same]
 *   access        (empty)                     the lengths that occur, one
 *                                             byte each, longest first
 *   serverlimits  name                        number
 *   mxnetworks    network_key                 (empty)
 *   mxnetworks    (empty)                     as access
 *   locals        domain                      (empty)
 *   rcpthosts     domain or .suffix           (empty)
 *   users         address or *@domain         maildir:PATH
 *   routes        address, domain, .suffix    next hops and options, or hold,
 *                 or *                        discard, local, or "reject
 *                                             TEXT" with a NUL behind it;
 *                                             lines of smtproutes too
 *   routesby      a key of routes             (empty): it has such lines:
 *   routesby      a key, NUL, and a sender    the same as routes
 *                 <>, address, domain or .suffix
 *   agents        name                        options
 *   agents        (empty)                     the user of one       yes
 *   virtualdomains
 *                 address, domain, .suffix or nothing
 *                                             what is put in front, or nothing
 *   aliases       address or *@domain         addresses
 *   limits        domain, .suffix, * or next hop
 *                                             options
 *   tlspolicy     domain, .suffix, * or host  policy and options
 *   dkim          domain, .suffix or *        SELECTOR FILE          yes
 *   pools         "pool NAME"                 options
 *   pools         "member POOL"               ADDRESS HELO options   yes
 *   pools         "curve NAME GROUP"          numbers; GROUP may be *
 *   pools         "group DOMAIN"              the group's name
 *   pools         "sender KEY"                the pool of an address, domain,
 *                                             or .suffix
 *   pools         "headers"                   a header's name        yes
 *   pools         "header NAME VALUE"         the pool
 *   queuelifetime, concurrencyremote, concurrencylocal, databytes, timeout...,
 *   stopwait
 *                 (empty)                     a number
 *   sandbox       (empty)                     require, try or off
 *   bouncefrom, doublebounceto
 *                 (empty)                     a local part
 *   bouncehost, doublebouncehost
 *                 (empty)                     a host
 *   rewrite       rcpt, sender or from        PATTERN ADDRESS      yes
 *   needs         (empty)                     CONFIG_NEEDS_ bits, decimal
 *   has           (empty)                     KEYS_HAS_ bits, decimal
 *   has           locals                      KEYS_FILTER bytes: a bit for the
 *                                             hash of each domain of locals
 *   has           depths                      KEYS_DEPTHS bytes for each of
 *                                             enum keys_depths: a bit for the
 *                                             dots of each .suffix
 *   has           extensions                  KEYS_EXTENSIONS bytes: a bit for
 *                                             the length of each PREFIX- of
 *                                             users
 *
 * Change something here, and MAP_VERSION (map.h) goes up; but for what is
 * under "has" and need not be there: without depths and extensions all are
 * looked for.
 */
#ifndef QUAIL_CDB_KEYS_H
#define QUAIL_CDB_KEYS_H

#include "lib/slice.h"

#define KEYS_ME		  "me"
#define KEYS_STOPWAIT	  "stopwait"
#define KEYS_SANDBOX	  "sandbox"
#define KEYS_LISTEN	  "listen"
#define KEYS_QMQPSERVERS  "qmqpservers"
#define KEYS_ACCESS	  "access"
#define KEYS_SERVERLIMITS "serverlimits"
#define KEYS_MXNETWORKS	  "mxnetworks"
#define KEYS_LOCALS	  "locals"
#define KEYS_RCPTHOSTS	  "rcpthosts"
#define KEYS_USERS	  "users"
#define KEYS_ROUTES	  "routes"
#define KEYS_REWRITE	  "rewrite"
#define KEYS_NEEDS	  "needs"
#define KEYS_HAS	  "has"
#define KEYS_ROUTESBY	  "routesby"
#define KEYS_AGENTS	  "agents"
#define KEYS_ALIASES	  "aliases"
#define KEYS_LIMITS	  "limits"
#define KEYS_TLSPOLICY	  "tlspolicy"
#define KEYS_DKIM	  "dkim"
#define KEYS_POOLS	  "pools"
#define KEYS_SMTPROUTES	  "smtproutes"

#define KEYS_VIRTUALDOMAINS "virtualdomains"
#define KEYS_QUEUELIFETIME  "queuelifetime"
#define KEYS_BOUNCEFROM	    "bouncefrom"
#define KEYS_BOUNCEHOST	    "bouncehost"

#define KEYS_DOUBLEBOUNCETO   "doublebounceto"
#define KEYS_DOUBLEBOUNCEHOST "doublebouncehost"

/* What is nowhere in the tables need not be looked for. */
enum {
	KEYS_HAS_SENDERS = 1,	       /* routesby */
	KEYS_HAS_ROUTED_ADDRESSES = 2, /* routes for single addresses */
	KEYS_HAS_ROUTED_SUFFIXES = 4,  /* ... and for suffixes */
	KEYS_HAS_VIRTUALDOMAINS = 8,
	KEYS_HAS_EXTENSIONS = 16, /* users with PREFIX-*@DOMAIN */
	KEYS_HAS_ALIASES = 32,
	KEYS_HAS_LIMITS = 64,
	KEYS_HAS_RCPTHOST_SUFFIXES = 128,
	KEYS_HAS_LIFETIME = 256, /* queuelifetime */
	KEYS_HAS_TLS = 512
};

/* Most mail of a hub is for others: that a domain is not local is then known
 * without a look into the large file. */
enum { KEYS_FILTER = 4096 };

static inline unsigned
keys_filter_bit(uint64_t hash)
{
	return (unsigned)(hash >> 32) & (KEYS_FILTER * 8 - 1);
}

/* The tables with suffixes, in the order of "has depths". */
enum keys_depths {
	KEYS_DEPTHS_ROUTES,  /* ... and patterns of routesby */
	KEYS_DEPTHS_SENDERS, /* of routesby */
	KEYS_DEPTHS_RCPTHOSTS,
	KEYS_DEPTHS_VIRTUALDOMAINS,
	KEYS_DEPTHS_LIMITS,
	KEYS_DEPTHS_TLSPOLICY,
	KEYS_DEPTHS_DKIM,
	KEYS_DEPTHS_POOL_SENDERS,
	KEYS_DEPTHS_POOL_GROUPS,
	KEYS_DEPTHS_N
};

/* A domain has no more than 127 dots, an address no more than 900 bytes. */
enum { KEYS_DEPTHS = 16, KEYS_EXTENSIONS = 128 };

static inline bool
keys_has_bit(const char *bits, size_t bytes, size_t n)
{
	return n / 8 < bytes && bits[n / 8] & 1 << n % 8;
}

static inline void
keys_set_bit(char *bits, size_t bytes, size_t n)
{
	if (n / 8 < bytes)
		bits[n / 8] = (char)(bits[n / 8] | 1 << n % 8);
}

/* keys_dots - those in a domain or suffix */
static inline size_t
keys_dots(struct slice s)
{
	size_t i, n = 0;

	for (i = 0; i < s.len; i++)
		n += s.at[i] == '.';
	return n;
}

/* KEYS_TABLE - what the keys of a table begin with */
#define KEYS_TABLE(table) SLICE(table "\0")

/* keys_open - cut a value into what it says and the line that said it */
static inline void
keys_open(struct slice record, struct slice *value, struct slice *source)
{
	size_t nul = slice_find(record, 0);

	*source = slice_of(record.at, nul);
	*value = slice_from(record, nul < record.len ? nul + 1 : nul);
}

#endif
