#include "queue/intake_parts.h"

#include "lib/address.h"
#include "lib/clock.h"
#include "lib/die.h"
#include "lib/frame.h"
#include "lib/fs.h"
#include "lib/limits.h"
#include "lib/log.h"
#include "lib/netstring.h"
#include "lib/often.h"
#include "lib/owner.h"
#include "queue/entry.h"

#include <errno.h>
#include <stdlib.h>

static void
answer(struct door_link *link, uint64_t id, const struct verdict *v)
{
	frame_put_two(&link->conn.out, 'V', id, slice_of(&v->code, 1),
		      verdict_text(v));
	conn_flush_later(&link->conn);
}

void
intake_drop(struct staged *s)
{
	if (s->link)
		idmap_drop(&s->link->staged, s->in.id);
	staging_count(&s->intake->staging, &s->part, NULL, false);
	s->intake->n_files -= s->has_file;
	if (s->link)
		s->link->n_files -= s->has_file;
	incoming_free(&s->in, s->intake->store->big_dir);
	repeat_free(&s->repeat);
	free(s);
}

static void
refuse(struct staged *s, char code, const char *text)
{
	if (s->refused)
		return;
	s->refused = true;
	buf_free(&s->in.text); /* nobody is going to need them */
	buf_free(&s->in.rcpts);
	verdict_say(&s->verdict, code, text);
}

void
intake_lease(struct door_link *link)
{
	struct buf n = {0};

	link->first[0] = link->first[1];
	link->end[0] = link->end[1];
	link->first[1] = store_lease(link->intake->store);
	link->end[1] = link->first[1] + STORE_LEASE;
	buf_number(&n, STORE_LEASE);
	frame_put(&link->conn.out, 'L', link->first[1], buf_slice(&n));
	conn_flush_later(&link->conn);
	buf_free(&n);
}

static bool
is_leased(const struct door_link *link, uint64_t id)
{
	return id > link->last_opened &&
	       ((id >= link->first[0] && id < link->end[0]) ||
		(id >= link->first[1] && id < link->end[1]));
}

/* frames */

static int
open_message(struct door_link *link, uint64_t id)
{
	struct staged *s;

	if (!is_leased(link, id))
		return -1;
	link->last_opened = id;
	if (link->staged.n >= INTAKE_OPEN_MAX)
		return -1;
	if (id >= link->end[1] - STORE_LEASE / 2 && id < link->end[1])
		intake_lease(link);
	s = calloc(1, sizeof *s);
	if (!s)
		die_nomem();
	s->link = link;
	s->intake = link->intake;
	s->in.id = id;
	repeat_init(&s->repeat, &link->intake->hash_key);
	idmap_put(&link->staged, id, s);
	if (link->intake->store->is_full)
		refuse(s, 'Z', "the queue's disk is full (#4.3.1)");
	return 0;
}

static void
count_bytes(struct staged *s)
{
	staging_count(&s->intake->staging, &s->part, &s->in,
		      s->claims.may_relay);
}

static void
refuse_memory(struct staged *s)
{
	refuse(s, 'Z', "too much is being received now (#4.3.1)");
	count_bytes(s);
}

/* Who holds much for the longest makes room: that may be this one. */
static bool
lacks_memory(struct staged *s)
{
	const struct staging *st = &s->intake->staging;
	bool may_relay = s->claims.may_relay;
	struct staging_part *victim;

	while (staging_is_spent(st, may_relay) &&
	       (victim = staging_victim(st, may_relay)))
		refuse_memory(OWNER(victim, struct staged, part));
	return s->refused || staging_is_spent(st, may_relay);
}

/* One user, captured, must leave some to the others: it has no more than three
 * times what is free. */
static bool
has_its_files(const struct intake *in, uid_t uid)
{
	const struct door_link *l;
	size_t own = 0;

	for (l = in->links; l; l = l->next)
		if (l->who.uid == uid)
			own += l->n_files;
	return in->n_files >= in->files_max ||
	       own / 3 >= in->files_max - in->n_files;
}

/* A file of its own is a descriptor: those are not all for strangers. */
static bool
lacks_file(const struct staged *s, struct slice text)
{
	return s->in.big_fd <= 0 &&
	       s->in.text.len + text.len > staging_small(&s->intake->staging) &&
	       has_its_files(s->intake, s->link->who.uid);
}

static void
count_file(struct staged *s)
{
	if (s->has_file || s->in.big_fd <= 0)
		return;
	s->has_file = true;
	s->link->n_files++;
	s->intake->n_files++;
}

static void
take_text(struct staged *s, struct slice text)
{
	struct staging *staging = &s->intake->staging;
	uint64_t trace =
	    s->repeat.has_trace ? s->repeat.trace_size : INTAKE_TRACE_MAX;
	uint64_t most =
	    s->intake->text_max + trace + (s->is_hubs ? LIMIT_TRACE : 0);

	if (s->refused)
		return;
	repeat_text(&s->repeat, text);
	tags_push(&s->tags, &s->intake->tags, text, &s->in.attrs);
	if (s->in.text_len > most || text.len > most - s->in.text_len)
		refuse(s, 'D', "the message is too large (#5.3.4)");
	else if ((s->in.big_fd <= 0 && lacks_memory(s)) || lacks_file(s, text))
		refuse_memory(s);
	else if (incoming_text(&s->in, s->intake->store->big_dir,
			       staging_small(staging), text) != 0)
		refuse(s, 'Z',
		       fs_is_full(errno)
			   ? "the queue's disk is full (#4.3.1)"
			   : "the queue's disk gave an error (#4.3.0)");
	if (s->in.hops.n > LIMIT_HOPS)
		refuse(s, 'D',
		       "too many hops; this message is looping (#5.4.6)");
	count_file(s);
	count_bytes(s);
}

static void
keep_rcpt(struct staged *s, struct slice rcpt)
{
	incoming_rcpt(&s->in, rcpt);
	if (s->intake->rcpt)
		s->intake->rcpt(s->intake, &s->claims, rcpt);
	if (s->intake->look)
		s->intake->look(s->intake, &s->in, rcpt);
}

static void
take_rcpt(struct staged *s, struct slice rcpt)
{
	if (!address_sane(rcpt))
		refuse(s, 'D', "a recipient address is impossible (#5.1.3)");
	else if (s->in.n_rcpts >= LIMIT_RCPTS)
		refuse(s, 'Z', "too many recipients (#4.5.3)");
	else if (!s->refused && lacks_memory(s))
		refuse_memory(s);
	else if (!s->refused)
		keep_rcpt(s, rcpt);
	count_bytes(s);
}

static int
take_sender(struct staged *s, struct slice sender)
{
	if (s->has_sender)
		return -1;
	s->has_sender = true;
	if (!address_sane(sender))
		refuse(s, 'D', "the sender address is impossible (#5.1.7)");
	else
		buf_puts(&s->in.sender, sender);
	return 0;
}

static void
log_accept(struct staged *s)
{
	struct slice value;

	log_open("accept");
	log_id("id", s->in.id);
	log_bytes("from", buf_slice(&s->in.sender));
	log_number("rcpts", s->in.n_rcpts);
	log_number("size", (int64_t)s->in.text_len);
	if (entry_attr(buf_slice(&s->in.attrs), "client", &value))
		log_bytes("client", value);
	if (entry_attr(buf_slice(&s->in.attrs), "proto", &value))
		log_bytes("proto", value);
	log_close();
}

/* To the client of a repeat its first one stands for it. */
static void
answer_repeat(struct staged *s, const struct verdict *v)
{
	struct verdict named = *v;
	struct buf id = {0};

	if (v->code == 'K' && s->of != 0) {
		buf_hex(&id, 16, s->of);
		verdict_set(&named, 'K', buf_slice(&id));
		buf_free(&id);
	}
	answer(s->link, s->in.id, &named);
}

static void
committed(struct store_waiter *w, struct message *m, const struct verdict *v)
{
	struct staged *s = OWNER(w, struct staged, waiter);
	struct intake *in = s->intake;

	if (m)
		log_accept(s);
	if (s->link && s->is_repeat)
		answer_repeat(s, v);
	else if (s->link)
		answer(s->link, s->in.id, v);
	intake_drop(s);
	if (m)
		in->accepted(in, m);
}

/* Who may send to anywhere has each of its refusals logged. */
static bool
open_refuse(const struct staged *s)
{
	struct slice attrs = buf_slice(&s->in.attrs), value;

	if (!entry_attr(attrs, "relay", &value) &&
	    entry_attr(attrs, "client", &value))
		return often_open_text("refuse", value, NULL, OFTEN_FEW);
	log_open("refuse");
	return true;
}

static void
log_refuse(const struct staged *s)
{
	if (!open_refuse(s))
		return;
	log_id("id", s->in.id);
	log_bytes("from", buf_slice(&s->in.sender));
	log_bytes("why", verdict_text(&s->verdict));
	log_close();
}

/* K: its recipients were dropped, and each logged as such. */
static void
finish_refused(struct staged *s)
{
	if (s->verdict.code != 'K')
		log_refuse(s);
	answer(s->link, s->in.id, &s->verdict);
	intake_drop(s);
}

/* The same package was taken lately: its client has lost our answer, and gets
 * that message's. */
static void
wait_repeat(struct staged *s)
{
	s->is_repeat = true;
	log_open("repeat");
	log_id("id", s->in.id);
	log_id("of", s->of);
	log_bytes("from", buf_slice(&s->in.sender));
	log_number("rcpts", s->in.n_rcpts);
	log_close();
	store_wait(s->intake->store, s->of, &s->waiter);
}

/* what the front end says of its client */

static const char *
doubt(const struct staged *s)
{
	struct intake *in = s->intake;
	struct slice client = SLICE("");

	if (!in->doubt)
		return NULL;
	entry_attr(buf_slice(&s->in.attrs), "client", &client);
	return in->doubt(in, &s->claims, client, buf_slice(&s->repeat.pin));
}

/* The recipients again, by newer tables. */
static void
claim_again(struct staged *s)
{
	struct slice rest = buf_slice(&s->in.rcpts), rcpt;

	s->claims.is_foreign = false;
	while (netstring_slice(&rest, &rcpt) == 0)
		s->intake->rcpt(s->intake, &s->claims, rcpt);
}

static void
log_claim(const struct staged *s, const char *why)
{
	const struct endpoint local = {0};

	if (!often_open("claim", &local, why, OFTEN_FEW))
		return;
	log_id("id", s->in.id);
	log_number("uid", (int64_t)s->link->who.uid);
	log_text("why", why);
	log_close();
}

/* Either of us may have newer tables than the other. */
static int
check_claims(struct staged *s)
{
	struct intake *in = s->intake;
	const char *why = doubt(s);

	if (why && in->newer && in->newer(in)) {
		claim_again(s);
		why = doubt(s);
	}
	if (!why)
		return 0;
	log_claim(s, why);
	refuse(s, 'Z',
	       "the queue's tables say otherwise of this client, try "
	       "again (#4.7.1)");
	return -1;
}

/* What the tables make of it, before it is written. */
static int
prepare(struct staged *s)
{
	struct intake *in = s->intake;
	struct verdict v;

	if (!in->prepare || in->prepare(in, &s->in, &v) == 0)
		return 0;
	refuse(s, 'Z', "");
	s->verdict = v;
	return -1;
}

static int
commit_message(struct staged *s)
{
	if (!s->has_sender)
		return -1;
	staging_keep(&s->part);
	if (s->in.n_rcpts == 0)
		refuse(s, 'D', "no recipients (#5.5.2)");
	if (!s->refused) {
		if (check_claims(s) != 0) {
			finish_refused(s);
			return 0;
		}
		s->in.birth_us = clock_us();
		s->waiter.done = committed;
		repeat_finish(&s->repeat, &s->in, s->link->number);
		if (s->in.has_key &&
		    store_taken(s->intake->store, &s->in, &s->of)) {
			wait_repeat(s);
			return 0;
		}
		if (prepare(s) == 0 && store_add(s->intake->store, &s->in,
						 SLICE(""), &s->waiter) == 0)
			return 0;
		refuse(s, 'Z', "the queue cannot store it now (#4.3.0)");
	}
	finish_refused(s);
	return 0;
}

/* Some attributes are the queue's own; some it does not keep. */
static int
take_attr(struct staged *s, struct slice attr)
{
	static const char *const ours[] = {
	    "settles=", "done=",     "paused=", "key=",
	    "via=",	"expanded=", "loops=",	TAGS_ATTR};
	size_t i;
	int r;

	for (i = 0; i < sizeof ours / sizeof ours[0]; i++)
		if (slice_starts(attr, slice_text(ours[i])))
			return -1;
	if (claims_attr(&s->claims, s->link->who.fronts, attr) != 0)
		return -1;
	r = repeat_attr(&s->repeat, attr, s->in.text_len > 0);
	if (r != 0)
		return r < 0 ? -1 : 0;
	if (slice_starts(attr, SLICE("proto=QMTP")))
		s->is_hubs = true;
	return incoming_attr(&s->in, attr);
}

int
intake_frame(struct door_link *link, const struct frame *f)
{
	struct staged *s = idmap_get(&link->staged, f->id);

	if (f->type == 'O')
		return s ? -1 : open_message(link, f->id);
	if (!s || s->waiter.done)
		return f->type == 'A' ? 0 : -1;
	switch (f->type) {
	case 'T': take_text(s, f->rest); return 0;
	case 'R': take_rcpt(s, f->rest); return 0;
	case 'S': return take_sender(s, f->rest);
	case 'P': return take_attr(s, f->rest);
	case 'C': return commit_message(s);
	case 'A': intake_drop(s); return 0;
	default: return -1;
	}
}
