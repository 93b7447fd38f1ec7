#include "lib/dns.h"

#include "lib/die.h"
#include "lib/dns_ask.h"
#include "lib/dns_parts.h"
#include "lib/owner.h"

#include <stdlib.h>

/* What is under way for a query: one question, or one for each family. */
struct dns_flight {
	struct link all;
	struct dns *dns;
	struct dns_query *query;
	unsigned n_asked; /* answers to come */
	bool soft;
	struct dns_question v6, v4, mx;
	size_t n_v4, n_v6;
	struct in_addr v4s[DNS_ADDRESSES_MAX];
	struct in6_addr v6s[DNS_ADDRESSES_MAX];
	size_t n_mx;
	bool null_mx;
	uint32_t lots[DNS_MX_MAX]; /* see dns_add_mx */
};

struct dns {
	struct loop *loop;
	struct dns_asks *asks;
	struct list landed; /* done is to be called */
	struct loop_task tell;
};

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
	q->exists = q->is_unheard = false;
	q->n_addresses = 0;
	q->n_mx = 0;
	q->done = done;
	return f;
}

static void
land(struct dns_flight *f)
{
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
		q->dns = NULL;
		q->flight = NULL;
		q->done(q);
	}
}

void
dns_cancel(struct dns_query *q)
{
	struct dns_flight *f = q->flight;

	if (!q->dns)
		return;
	dns_ask_cancel(&f->v6);
	dns_ask_cancel(&f->v4);
	dns_ask_cancel(&f->mx);
	list_drop(&f->all);
	free(f);
	q->flight = NULL;
	q->dns = NULL;
}

/* False: what is no name is not asked for. */
static bool
ask(struct dns_flight *f, struct dns_question *question, const char *name,
    unsigned type,
    void (*answered)(struct dns_question *q, struct slice answer))
{
	question->answered = answered;
	if (dns_wire_ask(&question->wire, slice_text(name), type) != 0)
		return false;
	f->n_asked++;
	dns_ask(f->dns->asks, question);
	return true;
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
			dns_add_v6(q, &f->v6s[i]);
		if (i < f->n_v4 && q->n_addresses < DNS_ADDRESSES_MAX)
			dns_add_v4(q, &f->v4s[i]);
	}
	q->result = q->n_addresses > 0 ? DNS_FOUND
		    : f->soft	       ? DNS_SOFT
				       : DNS_NONE;
}

/* What a user is told beside the result. */
static void
note(struct dns_flight *f, const struct dns_question *q,
     enum dns_answer_result r)
{
	f->query->exists |= r == DNS_ANSWER_GOOD;
	f->query->is_unheard |= q->is_unheard;
}

static void
one_answer(struct dns_flight *f, const struct dns_question *q,
	   enum dns_answer_result r)
{
	note(f, q, r);
	f->soft = f->soft || r == DNS_ANSWER_BAD;
	if (--f->n_asked > 0)
		return;
	mix(f);
	land(f);
}

static void
v4_record(void *arg, struct slice whole, struct slice data)
{
	struct dns_flight *f = arg;

	(void)whole;
	if (f->n_v4 < DNS_ADDRESSES_MAX && data.len == sizeof f->v4s[0])
		memcpy(&f->v4s[f->n_v4++], data.at, data.len);
}

static void
v6_record(void *arg, struct slice whole, struct slice data)
{
	struct dns_flight *f = arg;

	(void)whole;
	if (f->n_v6 < DNS_ADDRESSES_MAX && data.len == sizeof f->v6s[0])
		memcpy(&f->v6s[f->n_v6++], data.at, data.len);
}

/* Of a bad answer nothing is believed. */
static void
v4_answer(struct dns_question *q, struct slice answer)
{
	struct dns_flight *f = OWNER(q, struct dns_flight, v4);
	enum dns_answer_result r =
	    dns_answer_read(&q->wire, answer, v4_record, f);

	if (r == DNS_ANSWER_BAD)
		f->n_v4 = 0;
	one_answer(f, q, r);
}

static void
v6_answer(struct dns_question *q, struct slice answer)
{
	struct dns_flight *f = OWNER(q, struct dns_flight, v6);
	enum dns_answer_result r =
	    dns_answer_read(&q->wire, answer, v6_record, f);

	if (r == DNS_ANSWER_BAD)
		f->n_v6 = 0;
	one_answer(f, q, r);
}

/* False: it says nothing, so the DNS is asked. */
static bool
from_hosts_file(struct dns_flight *f, const char *name)
{
	struct dns_asks *asks = f->dns->asks;
	int v4 = dns_ask_hosts(asks, name, AF_INET, f->v4s, DNS_ADDRESSES_MAX);
	int v6 = dns_ask_hosts(asks, name, AF_INET6, f->v6s, DNS_ADDRESSES_MAX);

	f->n_v4 = v4 > 0 ? (size_t)v4 : 0;
	f->n_v6 = v6 > 0 ? (size_t)v6 : 0;
	f->soft = v4 < 0 || v6 < 0;
	return f->n_v4 + f->n_v6 > 0 || f->soft;
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
	if (!ask(f, &f->v6, name, DNS_TYPE_AAAA, v6_answer) ||
	    !ask(f, &f->v4, name, DNS_TYPE_A, v4_answer))
		land(f);
}

/* MX */

/* Hosts whose name is none are passed over. */
static void
mx_record(void *arg, struct slice whole, struct slice data)
{
	struct dns_flight *f = arg;
	char host[DNS_NAME_MAX + 1], name[DNS_NAME_MAX + 1];

	f->n_mx++;
	if (data.len < 3 ||
	    dns_answer_name(whole, slice_from(data, 2), host) != 0)
		f->soft = true;
	else if (host[0] == '\0')
		f->null_mx = true;
	else if (dns_name(name, slice_text(host)))
		dns_add_mx(
		    f->query, f->lots,
		    (uint16_t)((uint8_t)data.at[0] << 8 | (uint8_t)data.at[1]),
		    name);
}

/* A null MX means something only when it is alone (RFC 7505). */
static enum dns_result
take_mx(struct dns_flight *f)
{
	if (f->null_mx && f->n_mx == 1)
		dns_add_mx(f->query, f->lots, 0, "");
	if (f->query->n_mx > 0)
		return DNS_FOUND;
	return f->n_mx > 0 ? DNS_SOFT : DNS_NONE;
}

static void
mx_answer(struct dns_question *question, struct slice answer)
{
	struct dns_flight *f = OWNER(question, struct dns_flight, mx);
	struct dns_query *q = f->query;
	enum dns_answer_result r =
	    dns_answer_read(&question->wire, answer, mx_record, f);

	note(f, question, r);
	if (r == DNS_ANSWER_BAD || f->soft) {
		q->n_mx = 0;
		q->result = DNS_SOFT;
	} else if (r == DNS_ANSWER_GOOD) {
		q->result = take_mx(f);
	}
	land(f);
}

void
dns_mx(struct dns *dns, struct dns_query *q, struct slice domain,
       void (*done)(struct dns_query *))
{
	struct dns_flight *f = take_off(dns, q, done);
	char name[DNS_NAME_MAX + 1];

	if (!dns_name(name, domain) ||
	    !ask(f, &f->mx, name, DNS_TYPE_MX, mx_answer))
		land(f);
}

/* the whole */

void
dns_servers(const struct dns *dns, struct buf *out)
{
	dns_ask_servers(dns->asks, out);
}

struct dns *
dns_open(struct loop *loop)
{
	const char *servers = getenv("QUAIL_DNS"), *why = "";
	struct dns *dns = calloc(1, sizeof *dns);

	if (!dns)
		die_nomem();
	dns->loop = loop;
	dns->tell.run = tell;
	list_init(&dns->landed);
	dns->asks = dns_asks_open(loop, servers, &why);
	if (!dns->asks && servers)
		die_config("cannot start looking names up; QUAIL_DNS wants "
			   "ADDRESS:PORT",
			   why);
	if (!dns->asks)
		die_sys("starting to look names up", why);
	return dns;
}

void
dns_close(struct dns *dns)
{
	dns_asks_close(dns->asks); /* answers all that is under way */
	tell(&dns->tell);
	loop_task_drop(dns->loop, &dns->tell);
	free(dns);
}
