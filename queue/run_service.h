/* run_service.h - one daemon under quail run: start, watch, restart, end
 *
 *   state      meaning                       leaves when
 *   IDLE       not wanted, not there         service_want
 *   RUNNING    a process is there            it dies
 *   WAITING    it died, a new one is due     the pause is over
 *
 * A daemon that dies, or for which no process can be made, is started anew
 * after 100 ms, doubling to 5 s as long as it keeps dying within 5 s.
 *
 * Test  tests/run.t, tests/run_service_test.c
 */
#ifndef QUAIL_QUEUE_RUN_SERVICE_H
#define QUAIL_QUEUE_RUN_SERVICE_H

#include "lib/loop.h"
#include "queue/run_sockets.h"
#include "queue/run_users.h"

#include <sys/types.h>

enum {
	RUN_PAUSE_MIN_MS = 100,
	RUN_PAUSE_MAX_MS = 5000,
	RUN_LONG_LIFE_MS = 5000,
	RUN_LAST_MS = 10000, /* what those that end last have besides */
	RUN_NAMES_MAX = 3
};

/* What a process must be allowed, for quail run to hand its sockets over: on
 * their way they have numbers from 200 on. */
#define RUN_DESCRIPTORS 512

/* What there is to know of a daemon before it runs. */
struct run_kind {
	const char *name;		  /* in the log */
	const char *program;		  /* in the directory of quail itself */
	const char *mode;		  /* argument before DIR, or NULL */
	const char *user;		  /* where each daemon has its own */
	unsigned needs;			  /* any of these CONFIG_NEEDS_ bits */
	const char *names[RUN_NAMES_MAX]; /* of the sockets it gets */
	bool by_sockets; /* wanted when it has sockets, whatever is needed */
	bool by_hubs;	 /* wanted where mail only goes out, to hubs */
	bool last;	 /* to be ended behind all others */
	bool is_reader;	 /* it writes no file: as root it needs no powers */
};

/* run_kind_gets - is a socket of this name one of the kind's? */
bool
run_kind_gets(const struct run_kind *kind, const char *name);

struct run_place {
	const char *bin, *dir; /* absolute */
	struct run_sockets *sockets;
	const struct run_users *users;
	int64_t stop_ms; /* what a process has to end, once it is told to */
};

struct run_service {
	const struct run_kind *kind;
	const struct run_place *place;
	struct loop *loop;
	pid_t pid; /* 0: no process */
	bool wanted;
	bool ready;	 /* this process has said so */
	bool was_ready;	 /* one of its processes has */
	bool restarting; /* we ended it to start it anew */
	bool killed;
	int64_t started_ms, pause_ms;
	struct loop_io notify; /* fd -1: closed */
	struct loop_timer again;
	struct loop_timer late; /* it was told to end */
	void (*became_ready)(struct run_service *s);
};

void
run_service_init(struct run_service *s, struct loop *loop,
		 const struct run_kind *kind, const struct run_place *place,
		 void (*became_ready)(struct run_service *));

/* run_service_want - let there be a process, or none
 *
 * Does     start it, or send TERM; nothing when it is so already. Who has not
 *          ended in time (the place's stop_ms) is killed, which is logged; so
 *          by run_service_restart.
 */
void
run_service_want(struct run_service *s, bool wanted);

/* run_service_hurry - INT to one that is to end: it shall wait for nobody */
void
run_service_hurry(struct run_service *s);

/* run_service_restart - TERM, and a new one as soon as it has ended */
void
run_service_restart(struct run_service *s);

/* run_service_died - its process has ended
 *
 * Takes    status as of waitpid(2).
 * Does     log it, and start another after a pause if one is wanted.
 */
void
run_service_died(struct run_service *s, int status);

/* run_service_kill - KILL, if there is a process; logged */
void
run_service_kill(struct run_service *s);

#endif
