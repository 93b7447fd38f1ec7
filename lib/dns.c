#include "lib/dns.h"

#include "lib/die.h"
#include "lib/dns_parts.h"
#include "lib/list.h"
#include "lib/owner.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <stdlib.h>

enum {
	TIMEOUT_MS = 2000, /* of the first try; c-ares doubles it */
	TRIES = 3,
	UDP_MAX = 1232
};

/* A descriptor of c-ares in our loop. */
struct socket {
	struct link all;
	struct dns *dns;
	struct loop_io io;
};

/* What is under way for a query. It outlives a cancelled query, since
 * c-ares cannot be told to forget a single question. */
struct dns_flight {
	struct link all;
	struct dns *dns;
	struct dns_query *query; /* NULL: cancelled */
	unsigned n_asked;	 /* answers to come */
	bool soft;
	size_t n_v4, n_v6;
	struct ares_addrttl v4[DNS_ADDRESSES_MAX];
	struct ares_addr6ttl v6[DNS_ADDRESSES_MAX];
	uint32_t lots[DNS_MX_MAX]; /* see dns_add_mx */
};

struct dns {
	struct loop *loop;
	ares_channel channel;
	struct list sockets;
	struct list flights; /* with answers to come */
	struct list landed;  /* done is to be called */
	struct loop_task tell;
	struct loop_timer timer;
};

/* c-ares in the loop */

static void
set_timer(struct dns *dns)
{
	struct timeval tv;

	if (ares_timeout(dns->channel, NULL, &tv))
		loop_timer_set(dns->loop, &dns->timer,
			       tv.tv_sec * 1000 + tv.tv_usec / 1000 + 1);
	else
		loop_timer_stop(dns->loop, &dns->timer);
}

static void
expired(struct loop_timer *timer)
{
	struct dns *dns = OWNER(timer, struct dns, timer);

	ares_process_fd(dns->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	set_timer(dns);
}

static void
ready(struct loop_io *io, unsigned events)
{
	struct dns *dns = OWNER(io, struct socket, io)->dns;
	int fd = io->fd;

	ares_process_fd(dns->channel, events & LOOP_READ ? fd : ARES_SOCKET_BAD,
			events & LOOP_WRITE ? fd : ARES_SOCKET_BAD);
	set_timer(dns);
}

static struct socket *
find_socket(struct dns *dns, int fd)
{
	struct link *link = list_first(&dns->sockets);

	while (link && OWNER(link, struct socket, all)->io.fd != fd)
		link = list_next(&dns->sockets, link);
	return link ? OWNER(link, struct socket, all) : NULL;
}

static void
socket_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct dns *dns = arg;
	struct socket *s = find_socket(dns, fd);
	unsigned wants =
	    (readable ? LOOP_READ : 0u) | (writable ? LOOP_WRITE : 0u);

	if (s && wants == 0) {
		loop_forget(dns->loop, &s->io);
		list_drop(&s->all);
		free(s);
	} else if (s) {
		loop_want(dns->loop, &s->io, wants);
	} else if (wants) {
		s = calloc(1, sizeof *s);
		if (!s)
			die_nomem();
		s->dns = dns;
		s->io = (struct loop_io){fd, wants, ready};
		list_put(&dns->sockets, &s->all);
		loop_watch(dns->loop, &s->io);
	}
}

/* flights */

static struct dns_flight *
take_off(struct dns *dns, struct dns_query *q, void (*done)(struct dns_query *))
{
	struct dns_flight *f = calloc(1, sizeof *f);

	if (!f)
		die_nomem();
	f->dns = dns;
	f->query = q;
	q->dns = dns;
	q->flight = f;
	q->result = DNS_NONE;
	q->n_addresses = 0;
	q->n_mx = 0;
	q->done = done;
	list_put(&dns->flights, &f->all);
	return f;
}

static void
land(struct dns_flight *f)
{
	list_drop(&f->all);
	list_put(&f->dns->landed, &f->all);
	loop_task_queue(f->dns->loop, &f->dns->tell);
}

static void
tell(struct loop_task *task)
{
	struct dns *dns = OWNER(task, struct dns, tell);
	struct link *link;

	while ((link = list_first(&dns->landed))) {
		struct dns_flight *f = OWNER(link, struct dns_flight, all);
		struct dns_query *q = f->query;

		list_drop(link);
		free(f);
		if (!q)
			continue;
		q->dns = NULL;
		q->flight = NULL;
		q->done(q);
	}
}

void
dns_cancel(struct dns_query *q)
{
	if (!q->dns)
		return;
	q->flight->query = NULL;
	q->flight = NULL;
	q->dns = NULL;
}

/* names */

static bool
is_soft(int status)
{
	return status != ARES_SUCCESS && status != ARES_ENODATA &&
	       status != ARES_ENOTFOUND && status != ARES_EBADNAME;
}

/* A name in an answer can be bad too; that is not a name that is not. */
static int
parsed(int status)
{
	return status == ARES_SUCCESS || status == ARES_ENODATA ? status
								: ARES_EBADRESP;
}

/* addresses */

/* In turn, so that neither family can push the other out. */
static void
mix(struct dns_flight *f)
{
	struct dns_query *q = f->query;
	size_t i;

	for (i = 0; i < DNS_ADDRESSES_MAX; i++) {
		if (i < f->n_v6 && q->n_addresses < DNS_ADDRESSES_MAX)
			dns_add_v6(q, (const void *)&f->v6[i].ip6addr);
		if (i < f->n_v4 && q->n_addresses < DNS_ADDRESSES_MAX)
			dns_add_v4(q, &f->v4[i].ipaddr);
	}
	q->result = q->n_addresses > 0 ? DNS_FOUND
		    : f->soft	       ? DNS_SOFT
				       : DNS_NONE;
}

static void
one_answer(struct dns_flight *f, int status)
{
	f->soft = f->soft || is_soft(status);
	if (--f->n_asked > 0)
		return;
	if (f->query)
		mix(f);
	land(f);
}

static void
v4_answer(void *arg, int status, int timeouts, unsigned char *answer, int len)
{
	struct dns_flight *f = arg;
	int n = DNS_ADDRESSES_MAX;

	(void)timeouts;
	if (status == ARES_SUCCESS)
		status =
		    parsed(ares_parse_a_reply(answer, len, NULL, f->v4, &n));
	if (status == ARES_SUCCESS && n > 0)
		f->n_v4 = (size_t)n;
	one_answer(f, status);
}

static void
v6_answer(void *arg, int status, int timeouts, unsigned char *answer, int len)
{
	struct dns_flight *f = arg;
	int n = DNS_ADDRESSES_MAX;

	(void)timeouts;
	if (status == ARES_SUCCESS)
		status =
		    parsed(ares_parse_aaaa_reply(answer, len, NULL, f->v6, &n));
	if (status == ARES_SUCCESS && n > 0)
		f->n_v6 = (size_t)n;
	one_answer(f, status);
}

static struct hostent *
hosts_file(struct dns_flight *f, const char *name, int family)
{
	struct hostent *h = NULL;

	if (ares_gethostbyname_file(f->dns->channel, name, family, &h) !=
	    ARES_SUCCESS)
		return NULL;
	return h;
}

static bool
from_hosts_file(struct dns_flight *f, const char *name)
{
	struct hostent *v4 = hosts_file(f, name, AF_INET);
	struct hostent *v6 = hosts_file(f, name, AF_INET6);
	size_t i;

	for (i = 0; v4 && v4->h_addr_list[i] && i < DNS_ADDRESSES_MAX; i++)
		memcpy(&f->v4[i].ipaddr, v4->h_addr_list[i], 4);
	f->n_v4 = i;
	for (i = 0; v6 && v6->h_addr_list[i] && i < DNS_ADDRESSES_MAX; i++)
		memcpy(&f->v6[i].ip6addr, v6->h_addr_list[i], 16);
	f->n_v6 = i;
	if (v4)
		ares_free_hostent(v4);
	if (v6)
		ares_free_hostent(v6);
	return f->n_v4 + f->n_v6 > 0;
}

void
dns_addresses(struct dns *dns, struct dns_query *q, struct slice host,
	      uint16_t port, void (*done)(struct dns_query *))
{
	struct dns_flight *f = take_off(dns, q, done);
	char name[DNS_NAME_MAX + 1];

	q->port = port;
	if (endpoint_parse(&q->addresses[0], host, port) == 0) {
		q->n_addresses = 1;
		q->result = DNS_FOUND;
		land(f);
		return;
	}
	if (!dns_name(name, host)) {
		land(f);
		return;
	}
	if (from_hosts_file(f, name)) {
		mix(f);
		land(f);
		return;
	}
	f->n_asked = 2;
	ares_query(dns->channel, name, ns_c_in, ns_t_aaaa, v6_answer, f);
	ares_query(dns->channel, name, ns_c_in, ns_t_a, v4_answer, f);
	set_timer(dns);
}

/* MX */

/* A null MX means something only when it is alone (RFC 7505); hosts whose
 * name is none are passed over. */
static enum dns_result
take_mx(struct dns_flight *f, const struct ares_mx_reply *list)
{
	const struct ares_mx_reply *mx;
	bool null_mx = false;
	size_t n = 0;

	for (mx = list; mx; mx = mx->next) {
		char name[DNS_NAME_MAX + 1];

		n++;
		if (mx->host[0] == '\0' || strcmp(mx->host, ".") == 0)
			null_mx = true;
		else if (dns_name(name, slice_text(mx->host)))
			dns_add_mx(f->query, f->lots, mx->priority, name);
	}
	if (null_mx && n == 1)
		dns_add_mx(f->query, f->lots, 0, "");
	if (f->query->n_mx > 0)
		return DNS_FOUND;
	return n > 0 ? DNS_SOFT : DNS_NONE;
}

static void
mx_answer(void *arg, int status, int timeouts, unsigned char *answer, int len)
{
	struct dns_flight *f = arg;
	struct ares_mx_reply *list = NULL;

	(void)timeouts;
	if (f->query && status == ARES_SUCCESS)
		status = parsed(ares_parse_mx_reply(answer, len, &list));
	if (f->query) {
		if (status == ARES_SUCCESS)
			f->query->result = take_mx(f, list);
		else
			f->query->result =
			    is_soft(status) ? DNS_SOFT : DNS_NONE;
	}
	if (list)
		ares_free_data(list);
	land(f);
}

void
dns_mx(struct dns *dns, struct dns_query *q, struct slice domain,
       void (*done)(struct dns_query *))
{
	struct dns_flight *f = take_off(dns, q, done);
	char name[DNS_NAME_MAX + 1];

	if (!dns_name(name, domain)) {
		land(f);
		return;
	}
	ares_query(dns->channel, name, ns_c_in, ns_t_mx, mx_answer, f);
	set_timer(dns);
}

/* the whole */

struct dns *
dns_open(struct loop *loop)
{
	const char *servers = getenv("QUAIL_DNS");
	struct ares_options options = {.flags = ARES_FLAG_EDNS,
				       .timeout = TIMEOUT_MS,
				       .tries = TRIES,
				       .ednspsz = UDP_MAX,
				       .sock_state_cb = socket_state};
	struct dns *dns = calloc(1, sizeof *dns);
	int r;

	if (!dns)
		die_nomem();
	dns->loop = loop;
	dns->tell.run = tell;
	dns->timer.expired = expired;
	list_init(&dns->sockets);
	list_init(&dns->flights);
	list_init(&dns->landed);
	options.sock_state_cb_data = dns;
	r = ares_library_init(ARES_LIB_INIT_ALL);
	if (r == ARES_SUCCESS)
		r = ares_init_options(&dns->channel, &options,
				      ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS |
					  ARES_OPT_TRIES | ARES_OPT_EDNSPSZ |
					  ARES_OPT_SOCK_STATE_CB);
	if (r == ARES_SUCCESS && servers)
		r = ares_set_servers_ports_csv(dns->channel, servers);
	if (r != ARES_SUCCESS && servers)
		die_config("cannot start looking names up; QUAIL_DNS wants "
			   "ADDRESS:PORT",
			   ares_strerror(r));
	if (r != ARES_SUCCESS)
		die_sys("starting to look names up", ares_strerror(r));
	return dns;
}

void
dns_close(struct dns *dns)
{
	ares_destroy(dns->channel); /* answers all that is under way */
	ares_library_cleanup();
	tell(&dns->tell);
	loop_task_drop(dns->loop, &dns->tell);
	loop_timer_stop(dns->loop, &dns->timer);
	free(dns);
}
