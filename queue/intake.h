/* intake.h - the queue's side of the door: taking messages in
 *
 * Front ends connect to run/door; each connection carries many messages at
 * a time (lib/frame.h, doc/quail-door.7). Everything complete that a round
 * brought goes to the store, which commits it in one piece; then the
 * answers go out. What messages may hold until then is in staging.h.
 *
 * Source  doc/quail-door.7
 * Test    tests/door_test.c
 */
#ifndef QUAIL_QUEUE_INTAKE_H
#define QUAIL_QUEUE_INTAKE_H

#include "lib/server.h"
#include "queue/aliases.h"
#include "queue/claims.h"
#include "queue/repeat.h"
#include "queue/staging.h"
#include "queue/store.h"
#include "queue/tags.h"

enum {
	INTAKE_TRACE_MAX = 65536, /* that no limit of size counts */
	INTAKE_OPEN_MAX = 100000  /* messages begun on one connection */
};

struct admit;
struct config;
struct door_link;

struct intake_caller {
	uid_t uid;
	unsigned fronts; /* ADMIT_ bits: which front ends it may be */
};

struct intake {
	struct loop *loop;
	struct store *store;
	uint64_t text_max; /* of a message, our trace lines not counted */
	struct server server;
	struct door_link *links;
	uint32_t n_links; /* so far; each has its number */
	struct staging staging;
	size_t n_files, files_max;    /* texts that have one of their own */
	struct texthash_key hash_key; /* the store's */
	/* a message was committed and K is on its way */
	void (*accepted)(struct intake *in, struct message *m);
	/* What the tables make of a complete message before it is committed,
	 * such as other recipients; -1: it is not, and answered *v. May be
	 * NULL. */
	int (*prepare)(struct intake *in, struct incoming *message,
		       struct verdict *v);
	const struct config *config; /* prepare's */
	/* Who has connected? false: it must go. NULL: anybody may be any. */
	bool (*admits)(struct intake *in, int fd, struct intake_caller *who);
	/* Is that recipient for anybody to send to? May be NULL. */
	void (*rcpt)(struct intake *in, struct claims *c, struct slice rcpt);
	/* It has been added: what prepare need not ask of all at once. May be
	 * NULL. */
	void (*look)(struct intake *in, struct incoming *message,
		     struct slice rcpt);
	/* What is wrong with what was claimed of a client, if anything? Needs
	 * rcpt. */
	const char *(*doubt)(struct intake *in, const struct claims *c,
			     struct slice client, struct slice pin);
	/* Front ends may have read newer tables than we: take them up; true
	 * if there were some. May be NULL. */
	bool (*newer)(struct intake *in);
	struct admit *admit;	       /* admits' */
	struct claims_relayed relayed; /* doubt's */
	struct aliases_said loops;     /* prepare's */
	struct tags_names tags;	       /* headers that choose pools */
	void *owner;
};

/* intake_init - serve the door; what may be NULL is to be set behind it
 *
 * Takes    path of the socket, unless our starter handed one over as "door".
 */
void
intake_init(struct intake *in, struct loop *loop, struct store *store,
	    const char *path,
	    void (*accepted)(struct intake *, struct message *));

/* intake_links - how many connections has a user? */
size_t
intake_links(const struct intake *in, uid_t uid);

/* intake_stop - no new connections; what was committed is answered */
void
intake_stop(struct intake *in);

/* intake_close - drop all connections and unfinished messages */
void
intake_close(struct intake *in);

#endif
