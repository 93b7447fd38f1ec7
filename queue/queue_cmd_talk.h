/* queue_cmd_talk.h - asking the queue: its daemon, or else its files
 *
 * Test  tests/queue_cmd.t
 */
#ifndef QUAIL_QUEUE_QUEUE_CMD_TALK_H
#define QUAIL_QUEUE_QUEUE_CMD_TALK_H

#include "queue/control_run.h"
#include "queue/offline.h"

enum { TALK_WAIT_MS = 120000 };

struct talk {
	int fd;	       /* -1: offline */
	struct buf in; /* items, from the daemon or from run */
	size_t used;   /* of in: the item that was told last */
	bool is_over;  /* the last item is in there */
	struct offline *offline;
	struct control_run run;
};

/* talk_open - to the node in the current directory
 *
 * Takes    may_read: without a daemon the files will do; stderr is told.
 * Returns  COMMAND_DONE, or what to exit with; stderr has been told why.
 *          talk_close is due in both cases.
 */
int
talk_open(struct talk *t, bool may_read);

/* talk_ask - send a request
 *
 * Takes    payload: its words, as netstrings.
 * Returns  COMMAND_DONE, or what to exit with.
 */
int
talk_ask(struct talk *t, struct slice payload);

/* talk_next - the next item of the answer
 *
 * Returns  its letter, *body borrowed until the next call; 0 when the
 *          daemon has gone away, or talks nonsense: stderr has been told.
 */
char
talk_next(struct talk *t, struct slice *body);

void
talk_close(struct talk *t);

#endif
