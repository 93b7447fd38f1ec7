/* config.h - one compiled configuration, and what the programs ask of it
 *
 * DIR/config.cdb is compiled from DIR's text tables by config_build
 * (cdb/build.h). It is replaced as a whole by rename; config_refresh
 * takes a new one up. Answers are slices into the mapped file: valid until
 * the next config_refresh or config_close.
 *
 * Keys are "TABLE\0KEY" (cdb/keys.h), values carry "FILE:LINE" of the line
 * that made them, so that every answer can say why.
 *
 * Source  doc/quail-tables.5
 * Test    tests/config_test.c
 */
#ifndef QUAIL_CDB_CONFIG_H
#define QUAIL_CDB_CONFIG_H

#include "cdb/option.h"
#include "lib/buf.h"
#include "lib/endpoint.h"
#include "lib/server.h"
#include "lib/tls_pin.h"

#include <sys/stat.h>

struct map; /* cdb/map.h: TinyCDB behind a wall */

struct config {
	struct map *map;
	const char *path;
	dev_t dev; /* which file it is, to see a new one */
	ino_t inode;
	int64_t mtime_ns;
	uint64_t generation;	 /* another behind each that is taken up */
	unsigned has;		 /* KEYS_HAS_ bits (keys.h) */
	struct slice locals;	 /* the filter of local domains (keys.h) ... */
	struct slice depths;	 /* ... and how long suffixes and ... */
	struct slice extensions; /* ... extensions are; empty: not known */
};

/* config_open - open and check a compiled configuration
 *
 * Takes    path, kept.
 * Returns  0; -1 with a one-line reason appended to *why, *c closed.
 */
int
config_open(struct config *c, const char *path, struct buf *why);

/* config_open_or_die - the same for a daemon's start */
void
config_open_or_die(struct config *c, const char *path);

/* config_refresh - take a new file up if there is one
 *
 * Returns  1 a new one is in use; 0 nothing new; -1 the new one is bad
 *          (reason appended to *why) and the old one stays in use.
 */
int
config_refresh(struct config *c, struct buf *why);

void
config_close(struct config *c);

/* config_me - the host's name (table me) */
struct slice
config_me(const struct config *c);

/* config_listen - the n-th (from 0) address that protocol listens on
 *
 * Returns  true and *address ("127.0.0.1:628"); false: no such line.
 */
bool
config_listen(const struct config *c, const char *protocol, unsigned n,
	      struct slice *address);

#define CONFIG_PROXY "proxy="

/* config_listen_trust - whom the same line trusts to speak for its clients;
 * nobody, if there is no such line */
void
config_listen_trust(const struct config *c, const char *protocol, unsigned n,
		    struct server_trust *trust);

/* config_part - take the next part off a list with commas between them */
struct slice
config_part(struct slice *rest);

/* config_limits - what the table serverlimits says, the defaults where it does
 * not */
void
config_limits(const struct config *c, struct limits *r);

/* config_qmqpserver - the n-th (from 0) hub of a leaf: "HOST:PORT" or
 * "[V6]:PORT" or "qmqps:HOST:PORT/PIN", the pin being optional (hop.h). The
 * port is filled in when the table leaves it out: 628, with TLS 6628. */
bool
config_qmqpserver(const struct config *c, unsigned n, struct slice *address);

/* What else qmqpservers says; 0: it does not. */
struct config_leaf {
	bool is_spread; /* each host has an order of hubs of its own */
	int64_t timeout_s, lifetime_s;
	uint64_t spool_bytes;
};

void
config_leaf(const struct config *c, struct config_leaf *leaf);

enum {
	CONFIG_RELAY = 1,   /* may send to anywhere */
	CONFIG_REPEATS = 2, /* identical messages are new messages each time */
	CONFIG_LIMITED = 4  /* the line has options: see config_client */
};

/* What a line of access says; numbers are 0 where it does not. */
struct config_client {
	unsigned rights;       /* CONFIG_ bits */
	bool by_key;	       /* it is the line of the client's key */
	struct slice name;     /* then; else empty */
	struct slice senders;  /* see config_client_sender */
	uint64_t size;	       /* of a message, at the most */
	uint32_t rate, rate_s; /* messages in so many seconds */
	uint64_t connections;  /* at a time */
	struct slice source;   /* "access:12" */
};

/* config_client - the line of access for a client: that of its key, or else
 * of the longest network that it is in
 *
 * Takes    pin, of the key that it has proved to have; NULL: none.
 * Returns  true and *r; false: there is none, *r is zero.
 */
bool
config_client(const struct config *c, const struct endpoint *peer,
	      const struct tls_pin *pin, struct config_client *r);

/* config_client_sender - may this client use this return path?
 *
 * Any where the line has no senders=; else those of the domains (or below
 * the .suffixes) that it names, and always the empty one and "#@[]", of
 * bounces. One without '@' is at me.
 */
bool
config_client_sender(const struct config *c, const struct config_client *r,
		     struct slice sender);

/* config_access - the rights of a client: CONFIG_ bits; the longest matching
 * network decides, no match is no right. A unix peer (len 0) has none. */
unsigned
config_access(const struct config *c, const struct endpoint *peer);

/* config_access_key - the rights of a client that has proved to have a key
 *
 * Returns  true, *rights and *name, when access has a line for its pin;
 *          false: nobody knows it, and what its address may do counts.
 */
bool
config_access_key(const struct config *c, const struct tls_pin *pin,
		  unsigned *rights, struct slice *name);

/* config_local - is the domain delivered here? (table locals) */
bool
config_local(const struct config *c, struct slice domain);

/* config_rcpthost - is the domain accepted from strangers? (rcpthosts; its
 * lines may be .suffix too) */
bool
config_rcpthost(const struct config *c, struct slice domain);

/* config_local_line, config_rcpthost_line - the same, and if so, the line that
 * says it in *source ("locals:3") */
bool
config_local_line(const struct config *c, struct slice domain,
		  struct slice *source);

bool
config_rcpthost_line(const struct config *c, struct slice domain,
		     struct slice *source);

/* config_virtual - what virtualdomains puts in front of an address's local
 * part, and the line that says it; false: nothing, or an exception */
bool
config_virtual(const struct config *c, struct slice address,
	       struct slice *prepend, struct slice *source);

/* config_alias - the addresses that stand for one, as words
 *
 * By the full address, then *@DOMAIN; what they stand for themselves is for
 * the caller to ask.
 * Returns  true, *targets and *source; false: it stands for itself.
 */
bool
config_alias(const struct config *c, struct slice address,
	     struct slice *targets, struct slice *source);

/* config_number - the number of one of qmail's tables, such as databytes;
 * false: not there */
bool
config_number(const struct config *c, const char *table, uint64_t *n);

/* What the table agents says of one; user is empty where it does not. */
struct config_agent {
	struct slice user;
	uint64_t processes; /* so many may serve that name at a time */
};

/* config_agent - whose are the next hops of this name, and how many processes
 * may serve them? One, where no line says so */
void
config_agent(const struct config *c, struct slice name, struct config_agent *r);

/* config_agent_user - the n-th (from 0) user whom the table agents names */
bool
config_agent_user(const struct config *c, unsigned n, struct slice *user);

enum { CONFIG_STOPWAIT_S = 60 };

/* config_stopwait_s - for how long an orderly stop waits for what may have
 * been taken already; CONFIG_STOPWAIT_S unless stopwait says otherwise */
int64_t
config_stopwait_s(const struct config *c);

enum config_mx {
	CONFIG_MX_GOOD,
	CONFIG_MX_PRIVATE, /* of a network that is not public, nor in
			    * mxnetworks */
	CONFIG_MX_NOWHERE  /* of no host: reach.h */
};

/* config_mx_address - may the MX of others be at this address?
 *
 * By what the address says alone: that it is one of this host's is not known
 * here.
 * Returns  see enum config_mx; *source the line of mxnetworks that allows a
 *          private one, or empty.
 */
enum config_mx
config_mx_address(const struct config *c, const struct endpoint *e,
		  struct slice *source);

/* config_accepts - may this client send to this recipient?
 *
 * With the relay right, anywhere. Else only to rcpthosts and locals; an
 * address without '@' is at me. A local recipient without a mailbox is
 * refused here already, for everybody.
 * Returns  'K', or 'D' or 'Z' and *why_r a static text with its status code.
 */
char
config_accepts(const struct config *c, unsigned rights, struct slice rcpt,
	       const char **why_r);

/* config_postmaster - the same of a postmaster without a domain, whom a
 * stranger may write to too (RFC 5321 section 4.5.1)
 *
 * Takes    rcpt: that word, as it was written.
 * Returns  'D' also where he would be looked for in the DNS, by the line of
 *          routes for all, since nothing here serves the name of this host.
 */
char
config_postmaster(const struct config *c, struct slice rcpt,
		  const char **why_r);

enum config_decision {
	CONFIG_NEXTHOPS, /* try route.nexthops in order */
	CONFIG_HOLD,
	CONFIG_DISCARD,
	CONFIG_NOBODY,	/* a local domain, no such mailbox: D (#5.1.1) */
	CONFIG_NOROUTE, /* no line in routes fits: Z, tell the admin */
	CONFIG_BADPART, /* local part cannot be a path: D (#5.1.3) */
	CONFIG_REJECT	/* a route says so: D, route.text */
};

/* What a policy asks of a connection to another host. */
enum config_tls {
	CONFIG_TLS_UNSAID,
	CONFIG_TLS_NONE,    /* clear text */
	CONFIG_TLS_MAY,	    /* if it can; no certificate is looked at */
	CONFIG_TLS_ENCRYPT, /* always; no certificate is looked at */
	CONFIG_TLS_VERIFY   /* always, with a valid certificate or the pin */
};

/* config_tls_parse - none, may, encrypt or verify; else CONFIG_TLS_UNSAID */
enum config_tls
config_tls_parse(struct slice word);

const char *
config_tls_name(enum config_tls policy);

/* A line of tlspolicy; slices are empty where nothing was said. */
struct config_tls_line {
	enum config_tls policy;
	struct slice name; /* that the certificate must be for */
	struct slice ca;   /* the file of its issuers */
	struct slice pin;  /* "sha256:..." */
	struct slice source;
};

/* config_tls_policy - the line of tlspolicy for a host or a recipient's
 * domain: by it, its suffixes, '*'; false: none */
bool
config_tls_policy(const struct config *c, struct slice domain,
		  struct config_tls_line *line);

/* config_dkim - the n-th (from 0) key to sign mail from a domain with: by the
 * domain, else its longest suffix, else '*'
 *
 * Returns  true, *selector, *file and *source; false: no more.
 */
bool
config_dkim(const struct config *c, struct slice domain, unsigned n,
	    struct slice *selector, struct slice *file, struct slice *source);

struct config_route {
	enum config_decision decision;
	struct slice nexthops;	/* words: "qmtp:b:209 smtp:mx"; also, for a
				   mailbox, one word "maildir:PATH" expanded
				   into the caller's buf */
	struct slice key;	/* the pattern that matched */
	struct slice source;	/* "routes:12" */
	struct slice from;	/* the sender pattern that matched, if any */
	struct slice text;	/* CONFIG_REJECT: what the sender is told, with
				   its status; a NUL stands behind it */
	struct slice rewritten; /* by virtualdomains: PREFIX-LOCAL@me */
	struct slice virtual_source; /* the line that did it */
	/* the route's options; 0 or empty: not said */
	uint32_t concurrency;	 /* attempts at a time, at the most */
	uint32_t rate;		 /* attempts begun a second, at the most; of a
				    slower rate its seconds, at least 1 */
	struct option_rate pace; /* the rate as it was written */
	/* "limits:3" when it is of there */
	struct slice concurrency_source, rate_source;
	uint32_t retry;	    /* k of the retry times */
	int64_t lifetime_s; /* from then on what is deferred bounces */
	struct slice lifetime_source; /* when it is queuelifetime's */
	struct slice weights;	      /* "3,1": spread the next hops so; see
					 config_weight */
	struct slice pool;	      /* where mail goes out from (pools.h) */
	struct slice class;
	enum config_tls tls; /* over what tlspolicy says */
	bool hold_bounces;
};

/* config_weight - the weight of the n-th (from 0) next hop; 0: next hops are
 * tried in order */
uint32_t
config_weight(const struct config_route *r, unsigned n);

/* config_route - where does mail for this recipient go?
 *
 * An address without '@' is at me. A domain of locals goes to the users
 * table (full address, PREFIX-*@domain from the longest prefix to the
 * shortest, then *@domain). What virtualdomains has goes there as
 * PREPEND-LOCAL@me. Any other goes to routes (full address, domain, .suffix
 * from longest to shortest, then *); a route that says local sends it to
 * users after all. What a route does not say of concurrency and rate, limits
 * may: for smtp:mx by the recipient's domain, else by the first next hop.
 *
 * Takes    *room: cleared, then holds the lower-case key and the expanded
 *          path; the answer's slices are valid until it changes too.
 * Returns  *r. The local part in %u is safe: never with '/', NUL, or a '.'
 *          in front.
 */
void
config_route(const struct config *c, struct slice rcpt, struct buf *room,
	     struct config_route *r);

/* config_route_from - the same for mail of a sender
 *
 * For each recipient's pattern the routes with a pattern of this sender come
 * first: the address, the domain, its suffixes; "" is <>. config_route knows
 * of no sender, and passes over such routes.
 */
void
config_route_from(const struct config *c, struct slice sender,
		  struct slice rcpt, struct buf *room, struct config_route *r);

/* config_rewrite - what a leaf writes instead of an address (rewrite.h)
 *
 * Takes    what: "rcpt", "sender" or "from".
 * Returns  true with the address appended to *out, and the line that says it
 *          in *source; false: it stays as it is.
 */
bool
config_rewrite(const struct config *c, const char *what, struct slice address,
	       struct buf *out, struct slice *source);

/* Which agents do the tables need? */
enum {
	CONFIG_NEEDS_QMTPC = 1,	   /* a route names qmtp: */
	CONFIG_NEEDS_SMTP_OUT = 2, /* a route names smtp: */
	CONFIG_NEEDS_MAILDIR = 4,  /* users has a line */
	CONFIG_NEEDS_QUEUE = 8,	   /* mail can come in: any of the above, a
				      listen line, or any route */
	CONFIG_NEEDS_LEAFDOOR = 16 /* ... but only by SMTP, and all of it goes
				      to the hubs of qmqpservers: no queue */
};

unsigned
config_needs(const struct config *c);

/* config_digest - 32 hex digits that name this configuration */
struct slice
config_digest(const struct config *c);

/* config_text - a table of one line, such as "me"; false: not there */
bool
config_text(const struct config *c, const char *table, struct slice *value);

#endif
