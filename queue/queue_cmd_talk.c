#include "queue/queue_cmd_talk.h"

#include "lib/die.h"
#include "lib/home.h"
#include "lib/netstring.h"
#include "queue/command.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { READ_MAX = 64 * 1024, ITEM_MAX = 2 * 1024 * 1024 };

static int
complain(const char *what)
{
	fprintf(stderr, "quail: %s\n", what);
	return COMMAND_LATER;
}

static int
open_files(struct talk *t)
{
	fputs("quail: quail-queue is not running; this is from its files\n",
	      stderr);
	t->offline = calloc(1, sizeof *t->offline);
	if (!t->offline)
		die_nomem();
	offline_open(t->offline);
	t->run.source = &t->offline->source;
	return COMMAND_DONE;
}

int
talk_open(struct talk *t, bool may_read)
{
	*t = (struct talk){.fd = unix_connect(HOME_CONTROL)};
	if (t->fd >= 0)
		return COMMAND_DONE;
	if (errno != ENOENT && errno != ECONNREFUSED) {
		fprintf(stderr, "quail: %s: %s\n", HOME_CONTROL,
			strerror(errno));
		return COMMAND_LATER;
	}
	if (may_read)
		return open_files(t);
	return complain("quail-queue is not running; start it first");
}

static int
wait_for(struct talk *t, short events)
{
	struct pollfd p = {.fd = t->fd, .events = events};

	if (poll(&p, 1, TALK_WAIT_MS) == 1)
		return COMMAND_DONE;
	return complain("quail-queue does not answer");
}

static int
send_all(struct talk *t, struct slice s)
{
	while (s.len > 0) {
		ssize_t n = write(t->fd, s.at, s.len);

		if (n < 0 && errno == EAGAIN) {
			if (wait_for(t, POLLOUT) != COMMAND_DONE)
				return COMMAND_LATER;
			continue;
		}
		if (n <= 0)
			return complain("quail-queue has gone away");
		s = slice_from(s, (size_t)n);
	}
	return COMMAND_DONE;
}

int
talk_ask(struct talk *t, struct slice payload)
{
	struct buf request = {0};
	int r;

	buf_clear(&t->in);
	t->used = 0;
	t->is_over = false;
	if (t->fd < 0) {
		control_run_free(&t->run);
		control_run_start(&t->run, payload, &t->in);
		return COMMAND_DONE;
	}
	netstring_put(&request, payload);
	r = send_all(t, buf_slice(&request));
	buf_free(&request);
	return r;
}

/* Get more of the answer; -1 when there is no more to come. */
static int
more(struct talk *t)
{
	ssize_t n;

	if (t->fd < 0) {
		if (t->is_over)
			return -1;
		t->is_over = control_run_slice(&t->run, &t->in);
		return 0;
	}
	if (t->in.len > ITEM_MAX)
		return -1;
	n = read(t->fd, buf_room(&t->in, READ_MAX), READ_MAX);
	if (n > 0) {
		buf_added(&t->in, (size_t)n);
		return 0;
	}
	if (n < 0 && errno == EAGAIN)
		return wait_for(t, POLLIN) == COMMAND_DONE ? 0 : -1;
	return -1;
}

char
talk_next(struct talk *t, struct slice *body)
{
	struct slice rest, item;
	size_t before;

	if (t->used > 0)
		buf_take(&t->in, t->used);
	t->used = 0;
	for (;;) {
		rest = buf_slice(&t->in);
		before = rest.len;
		if (netstring_slice(&rest, &item) == 0 && item.len > 0)
			break;
		if (more(t) != 0) {
			complain("the answer of quail-queue breaks off");
			return 0;
		}
	}
	t->used = before - rest.len;
	*body = slice_from(item, 1);
	return item.at[0];
}

void
talk_close(struct talk *t)
{
	if (t->fd >= 0)
		close(t->fd);
	if (t->offline) {
		control_run_free(&t->run);
		offline_close(t->offline);
		free(t->offline);
	}
	buf_free(&t->in);
}
