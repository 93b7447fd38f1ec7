/* often.h - events that a stranger can cause as often as it likes
 *
 * Of each event, client and reason the first is logged as it comes, or the
 * first few. From then on they are counted, and a line a minute says how many
 * more there were:
 *
 *   event=refused client=192.0.2.7 why="too many ..." times=4711 seconds=60
 *
 * While it goes on there is one such line a minute; after a minute without
 * any the first is logged again. A client is an IPv4 address, or the first 64
 * bits of an IPv6 address.
 *
 * Bounded, whoever comes: OFTEN_MAX of event, client and reason are known at a
 * time, and OFTEN_LINES logged as they come in a minute. What is beyond that
 * is counted by its event alone, as of client=others.
 *
 * No count is lost: log_finish says those that have not been said yet.
 *
 * Test  tests/often_test.c
 */
#ifndef QUAIL_LIB_OFTEN_H
#define QUAIL_LIB_OFTEN_H

#include "lib/endpoint.h"

enum {
	OFTEN_MAX = 1024,
	OFTEN_LINES = 2048,
	OFTEN_EVENTS = 16,
	OFTEN_S = 60,

	OFTEN_FIRST = 1, /* the first alone: of connections */
	OFTEN_FEW = 10	 /* ... or so many: where each names another mail */
};

/* often_open - log_open, unless there have been enough of these
 *
 * Takes    event: a text that stays where it is; why: any, of which the first
 * 79 bytes are kept, or NULL; n: how many to log as they come. Returns  true:
 * the line is open, and log_close must follow; false: it is counted, and there
 * is none.
 */
bool
often_open(const char *event, const struct endpoint *peer, const char *why,
	   unsigned n);

/* often_open_text - the same for a client that is given by its address as text;
 * who is none is no stranger, and has each logged */
bool
often_open_text(const char *event, struct slice client, const char *why,
		unsigned n);

/* often_look - is a minute over? Then say what was counted; each second */
void
often_look(void);

/* often_say - say it now */
void
often_say(void);

#endif
