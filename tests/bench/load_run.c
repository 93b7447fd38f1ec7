/* load_run.c - messages, connections and the loop; see load.h */
#include "tests/bench/load.h"

#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { ANSWER_US = 60000000, RECONNECT_US = 50000, BACK_OFF_US = 100000 };

int64_t
load_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void
ledger_flush(struct load *l)
{
	ssize_t n;

	if (l->ledger_len == 0)
		return;
	n = write(l->ledger_fd, l->ledger, l->ledger_len);
	if (n != (ssize_t)l->ledger_len)
		err(111, "writing the ledger");
	l->ledger_len = 0;
}

void
load_ledger_add(struct load *l, uint64_t number, unsigned rcpt)
{
	if (l->ledger_fd == -1)
		return;
	if (l->ledger_max - l->ledger_len < LOAD_ID_LEN + 16)
		ledger_flush(l);
	load_text_id(&l->plan, number, l->ledger + l->ledger_len);
	l->ledger_len += LOAD_ID_LEN;
	l->ledger_len +=
	    (size_t)snprintf(l->ledger + l->ledger_len, 16, "/%u\n", rcpt);
}

/* ---- messages */

bool
load_message_next(struct load *l, uint64_t *number)
{
	uint64_t allowed_us =
	    l->plan.rate ? l->n_begun * 1000000 / l->plan.rate : 0;

	if (l->now_us >= l->plan.stop_us ||
	    (uint64_t)(l->now_us - l->begun_us) < allowed_us)
		return false;
	if (l->n_again > 0)
		*number = l->again[--l->n_again];
	else if (l->next_number < l->plan.messages)
		*number = l->next_number++;
	else
		return false;
	l->n_begun++;
	return true;
}

static void
message_again(struct load *l, uint64_t number)
{
	if (l->plan.again)
		l->again[l->n_again++] = number;
}

/* load_message_over - all its answers are there */
void
load_message_over(struct load_session *s)
{
	struct load *l = s->load;
	struct load_pending *p = &s->pending[s->first];
	int64_t took = l->now_us - p->begun_us;

	s->first = (s->first + 1) % l->plan.window;
	s->n_pending--;
	if (p->n_good == l->plan.rcpts) {
		ledger_flush(l);
		l->latencies[l->n_k++] =
		    took > UINT32_MAX ? UINT32_MAX : (uint32_t)took;
		return;
	}
	if (p->refused) {
		l->n_d++;
		return;
	}
	l->n_z++;
	message_again(l, p->number);
	s->wake_us = l->now_us + BACK_OFF_US;
}

/* load_message_put - its bytes behind what waits to go out */
void
load_message_put(struct load_session *s, uint64_t number)
{
	struct load *l = s->load;

	if (s->out_max - s->out_len < l->text.len && s->out_off > 0) {
		memmove(s->out, s->out + s->out_off, s->out_len - s->out_off);
		s->out_len -= s->out_off;
		s->out_off = 0;
	}
	if (s->out_max - s->out_len < l->text.len) {
		s->out_max = s->out_len + l->text.len * 2;
		s->out = load_need(realloc(s->out, s->out_max));
	}
	load_text_fill(&l->plan, &l->text, number, s->out + s->out_len);
	s->out_len += l->text.len;
}

struct load_pending *
load_message_begin(struct load_session *s, uint64_t number)
{
	struct load *l = s->load;
	unsigned slot = (s->first + s->n_pending++) % l->plan.window;

	s->pending[slot] =
	    (struct load_pending){number, l->now_us, 0, 0, false};
	return &s->pending[slot];
}

/* ---- connections */

static void
session_watch(struct load_session *s, int operation)
{
	struct load *l = s->load;
	struct epoll_event e = {0};
	bool writes = s->state == LOAD_CONNECTING || s->out_off < s->out_len;

	if (operation == EPOLL_CTL_MOD && writes == s->watches_write)
		return;
	s->watches_write = writes;
	e.data.ptr = s;
	e.events = EPOLLIN | (writes ? EPOLLOUT : 0);
	if (epoll_ctl(l->epoll_fd, operation, s->fd, &e) == -1)
		err(111, "epoll_ctl");
}

/* session_close - what has no answer is lost, as far as we know */
static void
session_close(struct load_session *s, int64_t pause_us)
{
	struct load *l = s->load;

	while (s->n_pending > 0) {
		l->n_lost++;
		message_again(l, s->pending[s->first].number);
		s->first = (s->first + 1) % l->plan.window;
		s->n_pending--;
	}
	if (s->fd != -1)
		close(s->fd);
	s->fd = -1;
	s->state = LOAD_IDLE;
	s->in_len = s->out_len = s->out_off = 0;
	if (s->wake_us < l->now_us + pause_us)
		s->wake_us = l->now_us + pause_us;
}

static void
session_broken(struct load_session *s)
{
	struct load *l = s->load;

	l->n_broken++;
	session_close(s, RECONNECT_US);
}

/* session_fill - begin as many messages as the window has room for */
static void
session_fill(struct load_session *s)
{
	struct load *l = s->load;
	uint64_t number;

	if (l->plan.protocol == LOAD_SMTP) {
		if (s->phase == LOAD_SMTP_READY)
			load_smtp_ready(s);
		return;
	}
	if (l->plan.protocol == LOAD_QMQP)
		return;
	while (s->n_pending < l->plan.window && s->wake_us <= l->now_us &&
	       s->out_len - s->out_off < 262144 &&
	       load_message_next(l, &number)) {
		load_message_begin(s, number);
		load_message_put(s, number);
	}
}

static bool
session_write(struct load_session *s)
{
	ssize_t n;

	while (s->out_off < s->out_len) {
		n = send(s->fd, s->out + s->out_off, s->out_len - s->out_off,
			 MSG_NOSIGNAL);
		if (n == -1)
			return errno == EAGAIN || errno == EINTR;
		s->out_off += (size_t)n;
	}
	return true;
}

/* On the loopback a connection stands when connect returns, though that says
 * otherwise: so what is to be said first is tried at once. */
static void
session_connect(struct load_session *s)
{
	struct load *l = s->load;
	uint64_t number;
	int on = 1;

	if (l->n_again == 0 && l->next_number == l->plan.messages)
		return;
	if (l->plan.protocol == LOAD_QMQP) {
		if (!load_message_next(l, &number))
			return;
		load_message_begin(s, number);
		load_message_put(s, number);
	} else if (l->now_us >= l->plan.stop_us)
		return;
	s->fd = socket(l->server.ss_family,
		       SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->fd == -1)
		err(111, "socket");
	if (l->plan.protocol != LOAD_QMQP) /* its package is one write */
		setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	s->state = LOAD_CONNECTING;
	s->phase = LOAD_SMTP_GREETING;
	s->pipelining = false;
	if (connect(s->fd, (struct sockaddr *)&l->server, l->server_len) ==
		-1 &&
	    errno != EINPROGRESS) {
		session_broken(s);
		return;
	}
	if (s->out_len > 0) {
		session_write(s); /* an error comes again below */
		if (s->out_off > 0)
			s->state = LOAD_OPEN;
	}
	session_watch(s, EPOLL_CTL_ADD);
}

static bool
netstring_heard(struct load_session *s, char code)
{
	struct load *l = s->load;
	struct load_pending *p = &s->pending[s->first];
	unsigned i;

	if (s->n_pending == 0)
		return false;
	if (code == 'D')
		p->refused = true;
	if (l->plan.protocol == LOAD_QMQP) {
		for (i = 0; i < l->plan.rcpts && code == 'K'; i++) {
			load_ledger_add(l, p->number, i);
			p->n_good++;
		}
		load_message_over(s);
		return true;
	}
	if (code == 'K') {
		load_ledger_add(l, p->number, p->n_replies);
		p->n_good++;
	}
	if (++p->n_replies == l->plan.rcpts)
		load_message_over(s);
	return true;
}

/* session_replies - all whole replies in s->in; false: makes no sense */
static bool
session_replies(struct load_session *s)
{
	struct load *l = s->load;
	size_t off = 0;
	int n, number = 0;
	char letter = 0;
	bool good = true;

	for (;;) {
		if (l->plan.protocol == LOAD_SMTP)
			n = load_reply_smtp(s->in + off, s->in_len - off,
					    &number, &s->pipelining);
		else
			n = load_reply_netstring(s->in + off, s->in_len - off,
						 &letter);
		if (n <= 0 || !good)
			break;
		off += (size_t)n;
		good = l->plan.protocol == LOAD_SMTP
			   ? load_smtp_heard(s, number)
			   : netstring_heard(s, letter);
	}
	s->in_len -= off;
	memmove(s->in, s->in + off, s->in_len);
	return good && n >= 0;
}

static bool
session_read(struct load_session *s)
{
	ssize_t n;

	n = recv(s->fd, s->in + s->in_len, sizeof s->in - s->in_len, 0);
	if (n == -1)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0)
		return false;
	s->in_len += (size_t)n;
	return session_replies(s);
}

static void
session_event(struct load_session *s, unsigned events)
{
	struct load *l = s->load;
	bool good = true;

	if (s->state == LOAD_CONNECTING && (events & EPOLLOUT))
		s->state = LOAD_OPEN;
	if (events & (EPOLLIN | EPOLLERR | EPOLLHUP))
		good = session_read(s);
	if (l->plan.protocol == LOAD_QMQP && s->n_pending == 0) {
		session_close(s, 0);
		if (s->wake_us <= l->now_us)
			session_connect(s);
		return;
	}
	if (good) {
		session_fill(s);
		good = session_write(s);
	}
	if (!good)
		session_broken(s);
	else
		session_watch(s, EPOLL_CTL_MOD);
}

/* sessions_wake - connect what should be, give up what hangs
 *
 * Returns  how many still have something to do.
 */
static unsigned
sessions_wake(struct load *l)
{
	struct load_session *s;
	unsigned busy = 0;

	for (s = l->sessions; s < l->sessions + l->plan.sessions; s++) {
		if (s->n_pending > 0 &&
		    l->now_us - s->pending[s->first].begun_us > ANSWER_US)
			session_broken(s);
		if (s->wake_us > l->now_us)
			busy++;
		else if (s->fd == -1)
			session_connect(s);
		else if (s->state == LOAD_OPEN)
			session_event(s, 0);
		busy += s->n_pending > 0;
	}
	if (l->now_us < l->plan.stop_us &&
	    (l->n_again > 0 || l->next_number < l->plan.messages))
		busy++;
	return busy;
}

void
load_run(struct load *l)
{
	struct epoll_event events[256];
	int64_t sweep_us = 0;
	int i, n;

	for (;;) {
		n = epoll_wait(l->epoll_fd, events, 256, 5);
		l->now_us = load_clock();
		if (l->is_over && l->plan.stop_us > l->now_us)
			l->plan.stop_us = l->now_us;
		for (i = 0; i < n; i++)
			session_event(events[i].data.ptr, events[i].events);
		ledger_flush(l);
		if (l->now_us - sweep_us >= 5000 || n == 0) {
			sweep_us = l->now_us;
			if (sessions_wake(l) == 0)
				return;
			if (l->now_us >= l->plan.deadline_us)
				return;
		}
		if (l->n_k + l->n_d == l->plan.messages)
			return;
	}
}
