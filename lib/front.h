/* front.h - what the sessions of a front end share: the door, and time
 *
 * The part of a session that is the same for every protocol: its
 * connection, who its peer is, its time-outs, waiting for the queue, and
 * the way of one message's text to the door with our trace line in front.
 * No protocol and no policy: rights and verdicts are the session's.
 *
 * Test  tests/front_test.c
 */
#ifndef QUAIL_LIB_FRONT_H
#define QUAIL_LIB_FRONT_H

#include "lib/door.h"
#include "lib/list.h"
#include "lib/pace.h"
#include "lib/server.h"
#include "lib/tls.h"

enum {
	FRONT_STOP_S = 5,      /* for what was begun, after TERM */
	FRONT_WAIT_MS = 5000,  /* for a queue that is there but gives no ids */
	FRONT_CLIENT_MAX = 48, /* an address as text */
	FRONT_NAME_MAX = 64,   /* of a client, by its key */
	FRONT_GATHER = 32768,  /* small pieces of text go out together */
	/* what a session may do in one round before others have their turn */
	FRONT_WORK = 64,	 /* of a stranger: recipients; ... */
	FRONT_WORK_LEAST = 4,	 /* ... when all strangers together had ... */
	FRONT_WORK_ROUND = 256,	 /* ... so many in this round; */
	FRONT_WORK_RIGHT = 1024, /* of who has a right here; */
	FRONT_WORK_PACKAGE = 3	 /* a package costs as much as so many */
};

struct front_work {
	uint64_t round;
	unsigned n;
};

struct front {
	struct loop *loop;
	const char *proto;     /* "QMTP", for the trace line and the door */
	const char *proto_tls; /* "QMTPS" */
	struct front_key *key; /* needed where sockets of TLS are */
	struct door door;
	struct server server;
	struct list sessions;
	uint64_t n_begun;    /* sessions so far */
	struct list waiting; /* those that front_wait paused */
	struct buf gather;   /* text on its way to the door */
	struct buf scratch;
	struct front_work work; /* of all strangers */
	bool stopping;
	unsigned stopping_s;
};

/* Our key, for as long as a session uses it. Sessions are resumed under the
 * key that they began with, or not at all. */
struct front_key {
	struct tls_key *key;
	struct tls_memory *memory;
	size_t n_users;
};

/* The first part of a session's struct. */
struct front_session {
	struct conn conn;
	struct front *front;
	struct link all, waiting;
	struct endpoint peer;
	struct server_guest guest; /* while it has no right here */
	struct pace pace;
	struct front_work work;
	uint64_t number;       /* of its connection, for the door */
	struct front_key *key; /* NULL: a session without TLS */
	const struct server_socket *balanced; /* see server.h */
	uint64_t tables;     /* of which generation its rights are */
	const char *refused; /* what all its messages are told; NULL: none */
	bool relay;	     /* may send to anywhere */
	bool repeats;	     /* the same bytes again are a new message */
	bool limited;	     /* its line in the tables says more */
	bool met;	     /* front_meet has been called */
	bool has_key;	     /* it has shown that it has this one: */
	struct tls_pin pin;
	bool known; /* ... by which the tables know it */
	uint8_t client_len, name_len;
	char client[FRONT_CLIENT_MAX];
	char name[FRONT_NAME_MAX]; /* by its key; empty: nobody we know */
};

/* front_init - connect to the door; accepted is told of every connection
 *
 * Takes    proto and door_path: kept.
 */
void
front_init(struct front *f, struct loop *loop, const char *proto,
	   const char *door_path, const char *listen_name, size_t max_sessions,
	   void (*accepted)(struct server *, int, const struct endpoint *));

/* front_key_take - use this key from the next session on
 *
 * Owns     key; it is closed when no session uses it any more.
 */
void
front_key_take(struct front *f, struct tls_key *key);

/* front_free - let go of the key and of the scratch memory; after the last
 * session, and door_close */
void
front_free(struct front *f);

/* front_stop - accept no more; sessions look at f->stopping
 *
 * Call front_stopped every second after that.
 */
void
front_stop(struct front *f);

/* front_stopped - true when the last session is over and its client has had
 * its reply (linger.h), or after FRONT_STOP_S */
bool
front_stopped(struct front *f);

/* front_start - begin a session: its connection, its clock
 *
 * Needs    *s zeroed; on: its conn events. To be called by accepted: whether
 *          TLS is spoken is said by f->server.tls. What it may hold, and
 *          how long it may take, say the server's limits.
 * Owns     fd.
 */
void
front_start(struct front_session *s, struct front *f, int fd,
	    const struct endpoint *peer,
	    void (*on)(struct conn *, enum conn_event));

/* front_leave - close the connection and leave all lists; the session may
 * then be freed */
void
front_leave(struct front_session *s);

/* front_client - who the peer is, as text, for the log and the door */
static inline struct slice
front_client(const struct front_session *s)
{
	return slice_of(s->client, s->client_len);
}

static inline struct slice
front_name(const struct front_session *s)
{
	return slice_of(s->name, s->name_len);
}

/* front_meet - is it time to ask whose key it is?
 *
 * Returns  true, once, when the session is one of TLS and its handshake is
 *          over; then *key_r says whether the client has shown a key, *pin
 *          which.
 */
bool
front_meet(struct front_session *s, bool *key_r, struct tls_pin *pin);

/* front_unnamed - it is not known by its key any more */
void
front_unnamed(struct front_session *s);

/* front_named - the client is known by its key, and called this from here on */
void
front_named(struct front_session *s, const struct tls_pin *pin,
	    struct slice name);

/* front_log_open - log_open, unless this client has no right here and has
 * caused enough of these (often.h, which see) */
bool
front_log_open(const struct front_session *s, const char *event,
	       const char *why, unsigned n);

/* front_log_client - the fields client= and, if it has one, name= */
void
front_log_client(const struct front_session *s);

/* front_trouble - why the connection broke, when TLS knows more than errno,
 * or the time for its handshake is over; NULL: nothing to tell */
const char *
front_trouble(const struct front_session *s, enum conn_event event);

/* front_mistaken - do these first bytes say that a client speaks something
 * else than its port does? What, in a line; NULL: no */
const char *
front_mistaken(const struct front_session *s, struct slice in);

/* front_alive - let CONN_TIMEOUT come when it must be asked next whether the
 * client takes too long (pace.h)
 *
 * Takes    n, the bytes that have just come; inside: they continue a
 *          message.
 */
void
front_alive(struct front_session *s, uint64_t n, bool inside);

/* front_late - at CONN_TIMEOUT: does it take too long? If not, or if it is
 * we who keep it waiting, the time-out is set again
 *
 * Takes    waits: it waits for us.
 * Returns  PACE_FINE, or why the session must end.
 */
enum pace_state
front_late(struct front_session *s, bool waits);

/* front_worked - is it enough for this round? Then the rest waits (conn_yield)
 *
 * Takes    work: how much has just been done; more: there is more to do.
 */
bool
front_worked(struct front_session *s, unsigned work, bool more);

/* front_wait - read no more until the door has room
 *
 * CONN_INPUT comes again then, as after conn_resume.
 */
void
front_wait(struct front_session *s);

/* front_go - no longer wait for the door; read on */
void
front_go(struct front_session *s);

enum front_begun {
	FRONT_BEGUN,
	FRONT_WAIT, /* the queue is there but has no id to spare just now */
	FRONT_AWAY  /* the queue is away: say FRONT_AWAY_TEXT */
};

#define FRONT_AWAY_TEXT "the queue is not there, try again (#4.3.0)"

/* front_begin - begin a message at the door, with attributes and trace line
 *
 * Takes    me, this host's name.
 */
enum front_begun
front_begin(struct front_session *s, struct door_message *m, struct slice me,
	    void (*answered)(struct door_message *, const struct verdict *));

/* front_text - hand over text; small pieces are gathered
 *
 * Needs    front_flush before anything else is told of this message, and
 *          before the text of any other.
 */
void
front_text(struct front *f, struct door_message *m, struct slice text);

void
front_flush(struct front *f, struct door_message *m);

#endif
