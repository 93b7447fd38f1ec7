#include "lib/dns_ask.h"

#include "lib/die.h"
#include "lib/dns_socket.h"
#include "lib/owner.h"

#include <ares.h>
#include <netdb.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	TIMEOUT_MS = 2000, /* of the first try; c-ares doubles it */
	TRIES = 3
};

/* A descriptor of c-ares in our loop. */
struct socket {
	struct link all;
	struct dns_lane *lane;
	struct loop_io io;
};

struct dns_lane {
	struct link all; /* asks->busy, over or free */
	struct dns_asks *asks;
	ares_channel channel;
	size_t n, n_live; /* questions that it asks; not cancelled */
	struct list sockets;
	struct loop_timer timer;
	bool by_tcp, is_spent; /* of no use for another question */
};

/* What c-ares has of a question, which may be cancelled before. */
struct dns_asked {
	struct dns_lane *lane;
	struct dns_question *question; /* NULL: cancelled */
};

struct dns_asks {
	struct loop *loop;
	ares_channel master; /* knows the servers, and asks nothing */
	struct ares_addr_port_node *servers;
	struct list busy, over, free;
	size_t n_lanes, n_free;
	struct list waits; /* questions */
	struct loop_task tidy;
	bool is_closing;
};

/* c-ares in the loop */

static void
set_timer(struct dns_lane *l)
{
	struct timeval tv;

	if (ares_timeout(l->channel, NULL, &tv))
		loop_timer_set(l->asks->loop, &l->timer,
			       tv.tv_sec * 1000 + tv.tv_usec / 1000 + 1);
	else
		loop_timer_stop(l->asks->loop, &l->timer);
}

static void
expired(struct loop_timer *timer)
{
	struct dns_lane *l = OWNER(timer, struct dns_lane, timer);

	ares_process_fd(l->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	set_timer(l);
}

static void
ready(struct loop_io *io, unsigned events)
{
	struct dns_lane *l = OWNER(io, struct socket, io)->lane;
	int fd = io->fd;

	dns_socket_turn();
	ares_process_fd(l->channel, events & LOOP_READ ? fd : ARES_SOCKET_BAD,
			events & LOOP_WRITE ? fd : ARES_SOCKET_BAD);
	set_timer(l);
}

static struct socket *
find_socket(struct dns_lane *l, int fd)
{
	struct link *link = list_first(&l->sockets);

	while (link && OWNER(link, struct socket, all)->io.fd != fd)
		link = list_next(&l->sockets, link);
	return link ? OWNER(link, struct socket, all) : NULL;
}

static void
socket_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct dns_lane *l = arg;
	struct loop *loop = l->asks->loop;
	struct socket *s = find_socket(l, fd);
	unsigned wants =
	    (readable ? LOOP_READ : 0u) | (writable ? LOOP_WRITE : 0u);

	if (s && wants == 0) {
		loop_forget(loop, &s->io);
		list_drop(&s->all);
		free(s);
	} else if (s) {
		loop_want(loop, &s->io, wants);
	} else if (wants) {
		s = calloc(1, sizeof *s);
		if (!s)
			die_nomem();
		s->lane = l;
		s->io = (struct loop_io){fd, wants, ready};
		list_put(&l->sockets, &s->all);
		loop_watch(loop, &s->io);
	}
}

/* lanes */

/* All that c-ares would read from files is given, so it reads none. */
static int
open_channel(struct dns_lane *l, bool by_tcp)
{
	char lookups[] = "b";
	struct in_addr none = {0};
	struct ares_options options = {.flags = ARES_FLAG_EDNS |
						(by_tcp ? ARES_FLAG_USEVC : 0),
				       .timeout = TIMEOUT_MS,
				       .tries = TRIES,
				       .ndots = 1,
				       .servers = &none,
				       .nservers = 1,
				       .lookups = lookups,
				       .ednspsz = DNS_UDP_MAX,
				       .sock_state_cb = socket_state,
				       .sock_state_cb_data = l};
	int r = ares_init_options(
	    &l->channel, &options,
	    ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
		ARES_OPT_NDOTS | ARES_OPT_SERVERS | ARES_OPT_DOMAINS |
		ARES_OPT_LOOKUPS | ARES_OPT_SORTLIST | ARES_OPT_EDNSPSZ |
		ARES_OPT_SOCK_STATE_CB);

	if (r == ARES_SUCCESS) {
		dns_socket_use(l->channel);
		r = ares_set_servers_ports(l->channel, l->asks->servers);
	}
	return r;
}

static struct dns_lane *
lane_new(struct dns_asks *asks, bool by_tcp)
{
	struct dns_lane *l = calloc(1, sizeof *l);

	if (!l)
		die_nomem();
	l->asks = asks;
	l->timer.expired = expired;
	l->by_tcp = l->is_spent = by_tcp;
	list_init(&l->sockets);
	if (open_channel(l, by_tcp) != ARES_SUCCESS)
		die_nomem();
	asks->n_lanes++;
	return l;
}

static void
lane_free(struct dns_lane *l)
{
	ares_destroy(l->channel);
	loop_timer_stop(l->asks->loop, &l->timer);
	list_drop(&l->all);
	l->asks->n_lanes--;
	free(l);
}

/* All lanes ask: then questions share them, in turn. */
static struct dns_lane *
shared_lane(struct dns_asks *asks)
{
	struct link *link;

	for (link = list_first(&asks->busy); link;
	     link = list_next(&asks->busy, link)) {
		struct dns_lane *l = OWNER(link, struct dns_lane, all);

		if (l->by_tcp || l->n >= DNS_LANE_SHARED)
			continue;
		list_drop(link);
		return l;
	}
	return NULL;
}

static struct dns_lane *
lane_for(struct dns_asks *asks, const struct dns_question *q)
{
	struct link *link = q->by_tcp ? NULL : list_first(&asks->free);

	if (link) {
		list_drop(link);
		asks->n_free--;
		return OWNER(link, struct dns_lane, all);
	}
	return asks->n_lanes < DNS_LANES_MAX ? lane_new(asks, q->by_tcp)
	       : q->by_tcp		     ? NULL
					     : shared_lane(asks);
}

/* questions */

/* c-ares goes on without EDNS for ever once a server did not like it, or had
 * no answer: such a lane is not used again. */
static void
settle(struct dns_lane *l, struct dns_question *q, struct slice answer)
{
	if (answer.len == 0) {
		l->is_spent = true;
	} else if (!q->by_tcp && !dns_wire_echoes(&q->wire, answer)) {
		q->by_tcp = true;
		list_put(&l->asks->waits, &q->waits);
		return;
	}
	q->answered(q, answer);
}

static void
lane_answer(void *arg, int status, int timeouts, unsigned char *answer, int len)
{
	struct dns_asked *a = arg;
	struct dns_lane *l = a->lane;
	struct dns_question *q = a->question;
	struct slice s = SLICE("");

	(void)timeouts;
	if (status == ARES_SUCCESS && len > 0)
		s = slice_of((char *)answer, (size_t)len);
	free(a);
	if (--l->n == 0) {
		list_drop(&l->all);
		list_put(&l->asks->over, &l->all);
	}
	loop_task_queue(l->asks->loop, &l->asks->tidy);
	if (!q)
		return;
	q->asked = NULL;
	q->is_unheard = s.len == 0 && q->n_heard == dns_socket_heard();
	l->n_live--;
	settle(l, q, s);
}

static void
start(struct dns_lane *l, struct dns_question *q)
{
	struct dns_asked *a = calloc(1, sizeof *a);

	if (!a)
		die_nomem();
	*a = (struct dns_asked){.lane = l, .question = q};
	q->asked = a;
	q->n_heard = dns_socket_heard();
	l->n++;
	l->n_live++;
	list_put(&l->asks->busy, &l->all);
	ares_send(l->channel, q->wire.bytes, (int)q->wire.len, lane_answer, a);
	set_timer(l);
}

static void
tidy(struct loop_task *task)
{
	struct dns_asks *asks = OWNER(task, struct dns_asks, tidy);
	struct dns_lane *l;
	struct link *link;

	while ((link = list_first(&asks->over))) {
		l = OWNER(link, struct dns_lane, all);
		list_drop(link);
		if (l->is_spent || asks->n_free >= DNS_LANES_KEPT) {
			lane_free(l);
		} else {
			list_put(&asks->free, link);
			asks->n_free++;
		}
	}
	while (!asks->is_closing && (link = list_first(&asks->waits))) {
		struct dns_question *q =
		    OWNER(link, struct dns_question, waits);

		if (!(l = lane_for(asks, q)))
			break;
		list_drop(link);
		start(l, q);
	}
}

void
dns_ask(struct dns_asks *asks, struct dns_question *q)
{
	list_put(&asks->waits, &q->waits);
	loop_task_queue(asks->loop, &asks->tidy);
}

void
dns_ask_cancel(struct dns_question *q)
{
	struct dns_asked *a = q->asked;
	struct dns_lane *l;

	list_drop(&q->waits);
	q->asked = NULL;
	if (!a)
		return;
	a->question = NULL;
	l = a->lane;
	if (--l->n_live > 0) /* c-ares would cancel the others too */
		return;
	ares_cancel(l->channel);
	set_timer(l);
}

/* A sandbox has no part in access(2). */
static bool
is_out_of_reach(int status)
{
	return status == ARES_EFILE && access("/etc/hosts", R_OK) == 0;
}

int
dns_ask_hosts(struct dns_asks *asks, const char *name, int family,
	      void *addresses, size_t max)
{
	size_t i, size = family == AF_INET ? 4 : 16;
	struct hostent *h = NULL;
	int status = ares_gethostbyname_file(asks->master, name, family, &h);

	if (status != ARES_SUCCESS)
		return is_out_of_reach(status) ? -1 : 0;
	for (i = 0; h->h_addr_list[i] && i < max; i++)
		memcpy((char *)addresses + i * size, h->h_addr_list[i], size);
	ares_free_hostent(h);
	return (int)i;
}

/* the whole */

struct dns_asks *
dns_asks_open(struct loop *loop, const char *servers, const char **why)
{
	struct dns_asks *asks = calloc(1, sizeof *asks);
	int r;

	if (!asks)
		die_nomem();
	asks->loop = loop;
	asks->tidy.run = tidy;
	list_init(&asks->busy);
	list_init(&asks->over);
	list_init(&asks->free);
	list_init(&asks->waits);
	r = ares_library_init(ARES_LIB_INIT_ALL);
	if (r == ARES_SUCCESS)
		r = ares_init(&asks->master);
	if (r == ARES_SUCCESS && servers)
		r = ares_set_servers_ports_csv(asks->master, servers);
	if (r == ARES_SUCCESS)
		r = ares_get_servers_ports(asks->master, &asks->servers);
	if (r == ARES_SUCCESS)
		return asks;
	*why = ares_strerror(r);
	free(asks);
	return NULL;
}

void
dns_ask_servers(const struct dns_asks *asks, struct buf *out)
{
	dns_socket_servers(asks->servers, out);
}

static void
close_all(struct list *lanes)
{
	struct link *link;

	while ((link = list_first(lanes)))
		lane_free(OWNER(link, struct dns_lane, all));
}

static void
drop_waiting(struct dns_asks *asks)
{
	struct link *link;

	while ((link = list_first(&asks->waits))) {
		struct dns_question *q =
		    OWNER(link, struct dns_question, waits);

		list_drop(link);
		q->answered(q, SLICE(""));
	}
}

void
dns_asks_close(struct dns_asks *asks)
{
	asks->is_closing = true;
	drop_waiting(asks);
	close_all(&asks->busy);
	close_all(&asks->over);
	close_all(&asks->free);
	loop_task_drop(asks->loop, &asks->tidy);
	ares_free_data(asks->servers);
	ares_destroy(asks->master);
	ares_library_cleanup();
	free(asks);
}
