/* door - both sides: a front end's machine with a queue that says anything,
 * the queue's with a front end that says anything, and the two together
 */
#include "lib/address.h"
#include "lib/door.h"
#include "lib/frame.h"
#include "lib/limits.h"
#include "lib/netstring.h"
#include "lib/owner.h"
#include "queue/intake.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/wire.h"

#include <errno.h>

/* a store that takes everything, or nothing, and answers when told to */

enum { WAITERS_MAX = 256 };

static struct {
	uint64_t next;
	struct store_waiter *waiters[WAITERS_MAX];
	size_t n_waiters, n_taken;
	bool refuses;
	struct buf story; /* of what was taken */
} took;

uint64_t
store_lease(struct store *st)
{
	(void)st;
	took.next += STORE_LEASE;
	return took.next - STORE_LEASE + 1;
}

bool
store_taken(struct store *st, const struct incoming *in, uint64_t *of)
{
	(void)st, (void)of;
	fuzz_check(in->session != 0);
	return false;
}

void
store_wait(struct store *st, uint64_t of, struct store_waiter *w)
{
	(void)st, (void)of, (void)w;
	fuzz_check(false);
}

static void
check_rcpts(const struct incoming *in)
{
	struct slice rest = buf_slice(&in->rcpts), rcpt;
	uint32_t n = 0;

	while (netstring_slice(&rest, &rcpt) == 0) {
		fuzz_check(address_sane(rcpt));
		fuzz_tell(&took.story, "rcpt", rcpt);
		n++;
	}
	fuzz_check(rest.len == 0 && n == in->n_rcpts && n > 0);
	fuzz_check(n <= LIMIT_RCPTS);
}

int
store_add(struct store *st, struct incoming *in, struct slice settles,
	  struct store_waiter *w)
{
	(void)st;
	fuzz_check(settles.len == 0 && in->id != 0);
	if (took.refuses || took.n_waiters == WAITERS_MAX) {
		errno = ENOSPC;
		return -1;
	}
	buf_number(&took.story, in->id);
	fuzz_check(in->text_len == in->text.len);
	fuzz_check(address_sane(buf_slice(&in->sender)));
	fuzz_check(in->attrs.len <= INCOMING_ATTRS_MAX * 8);
	fuzz_tell(&took.story, " text", buf_slice(&in->text));
	fuzz_tell(&took.story, "sender", buf_slice(&in->sender));
	check_rcpts(in);
	fuzz_tell(&took.story, "attrs", buf_slice(&in->attrs));
	buf_free(&in->text); /* it is the store's now */
	took.waiters[took.n_waiters++] = w;
	took.n_taken++;
	return 0;
}

static void
commit(char code)
{
	static struct message m;
	struct verdict v;
	size_t i;

	verdict_say(&v, code, code == 'K' ? "" : "(#4.3.0)");
	for (i = 0; i < took.n_waiters; i++)
		took.waiters[i]->done(took.waiters[i], code == 'K' ? &m : NULL,
				      &v);
	took.n_waiters = 0;
}

static void
accepted(struct intake *in, struct message *m)
{
	(void)in, (void)m;
}

static struct loop loop;
static struct store store;
static struct intake intake;

static void
begin(void)
{
	took.next = 0;
	took.n_waiters = took.n_taken = 0;
	took.refuses = false;
	buf_clear(&took.story);
	intake_init(&intake, &loop, &store, "", accepted);
}

/* Nothing stays behind, neither connections nor bytes that are counted. */
static void
end(void)
{
	intake_close(&intake);
	commit('Z'); /* of messages whose front end is gone */
	fuzz_check(intake.staging.used == 0);
	fuzz_check(intake.server.n_sessions == 0);
}

/* a front end that says anything */

static bool
push(void *user, struct slice piece)
{
	struct conn *c = user;

	wire_input(c, piece);
	return intake.links != NULL;
}

static void
hostile(struct slice in, struct fuzz_cuts *cuts, struct buf *story)
{
	struct conn *c;

	begin();
	c = wire_accept(&intake.server);
	buf_clear(story);
	if (fuzz_feed(in, cuts, push, c)) {
		commit('K');
		wire_out(c, story);
	}
	end();
	buf_puts(story, buf_slice(&took.story));
}

/* The frames are good, what they say is the input's. */
static void
framed(struct slice in, struct buf *wire)
{
	static const char types[] = "OPSRTCAOTCRV";

	buf_clear(wire);
	while (in.len > 0) {
		uint8_t byte = fuzz_byte(&in);
		char type = types[byte % (sizeof types - 1)];
		struct slice rest = SLICE("");

		if (strchr("PSRT", type))
			rest = fuzz_string(&in);
		frame_put(wire, type, 1 + byte / 64, rest);
	}
}

/* a front end of ours */

enum { MESSAGES = 4 };

static struct sender {
	struct door_message m;
	unsigned n_begun, n_answered;
	bool is_open, said_sender, committed;
	char code;
} senders[MESSAGES];

static void
answered(struct door_message *m, const struct verdict *v)
{
	struct sender *s = OWNER(m, struct sender, m);

	fuzz_check(s->is_open && !m->door);
	fuzz_check(v->code == 'K' || v->code == 'Z' || v->code == 'D');
	s->is_open = false;
	s->code = v->code;
	s->n_answered++;
}

static void
say(struct door *d, struct sender *s, uint8_t what, struct slice *in)
{
	struct slice bytes;

	if (!s->is_open) {
		if (door_begin(d, &s->m, answered) != 0)
			return;
		s->is_open = true;
		s->said_sender = s->committed = false;
		s->n_begun++;
		return;
	}
	bytes = fuzz_string(in);
	if (s->committed)
		return;
	if (what == 0) {
		door_text(&s->m, bytes);
	} else if (what == 1 && !s->said_sender && address_sane(bytes)) {
		door_sender(&s->m, bytes);
		s->said_sender = true;
	} else if (what == 2 && address_sane(bytes)) {
		door_rcpt(&s->m, bytes);
	} else if (what == 3 && address_sane(bytes)) {
		door_attr(&s->m, "x", bytes);
	} else if (what == 4 && s->said_sender) {
		door_commit(&s->m);
		s->committed = true;
	} else if (what == 5) {
		door_abort(&s->m);
		s->is_open = false;
		s->n_answered++;
	}
}

static void
reset_senders(void)
{
	memset(senders, 0, sizeof senders);
}

/* Each message that was begun has had one answer, or was given up. */
static void
check_senders(void)
{
	size_t i;

	for (i = 0; i < MESSAGES; i++)
		fuzz_check(!senders[i].is_open &&
			   senders[i].n_begun == senders[i].n_answered);
}

/* ... with a queue that says anything */
static void
mad_queue(struct slice in)
{
	static struct buf out;
	struct door d;
	struct conn *c;

	reset_senders();
	door_init(&d, &loop, "", NULL);
	c = wire_opened();
	while (in.len > 0) {
		uint8_t byte = fuzz_byte(&in);
		struct frame f;
		struct slice rest;

		if (!d.is_open) {
			fuzz_check(d.retry.slot == 1);
			d.retry.slot = 0;
			d.retry.expired(&d.retry);
		}
		if (byte < 128) {
			say(&d, &senders[byte / 8 % MESSAGES], byte % 8, &in);
		} else if (byte < 192) {
			wire_input(c, fuzz_string(&in));
		} else if (byte < 224) { /* an answer, a lease */
			buf_clear(&out);
			frame_put(&out, byte & 1 ? 'V' : 'L', 1 + byte / 2 % 8,
				  byte & 1 ? fuzz_string(&in) : SLICE("9"));
			wire_input(c, buf_slice(&out));
		} else if (byte < 232) {
			wire_end(c);
		} else if (d.is_open) { /* what we say is frames */
			buf_clear(&out);
			wire_out(c, &out);
			for (rest = buf_slice(&out); rest.len > 0;)
				fuzz_check(frame_next(&rest, &f) == FRAME_DONE);
		}
	}
	door_close(&d);
	check_senders();
	buf_clear(&out);
}

/* ... with a queue of ours: what the store took is what was said */
static void
together(struct slice in, struct fuzz_cuts *cuts)
{
	static struct buf wire;
	struct conn *front, *back;
	struct door d;
	unsigned n_k = 0;
	size_t i;

	reset_senders();
	begin();
	took.refuses = fuzz_byte(&in) == 255;
	door_init(&d, &loop, "", NULL);
	front = wire_opened();
	back = wire_accept(&intake.server);
	while (in.len > 0) {
		uint8_t byte = fuzz_byte(&in);
		struct slice rest;

		if (byte < 240)
			say(&d, &senders[byte / 8 % MESSAGES], byte % 8, &in);
		else if (byte < 248)
			commit(byte & 1 ? 'K' : 'Z');
		buf_clear(&wire);
		wire_out(front, &wire);
		for (rest = buf_slice(&wire); rest.len > 0;)
			wire_input(back,
				   fuzz_take(&rest, fuzz_cut(cuts, rest.len)));
		fuzz_check(intake.links != NULL); /* we keep the contract */
		buf_clear(&wire);
		wire_out(back, &wire);
		wire_input(front, buf_slice(&wire));
	}
	commit('K');
	buf_clear(&wire);
	wire_out(back, &wire);
	wire_input(front, buf_slice(&wire));
	for (i = 0; i < MESSAGES; i++) {
		fuzz_check(!senders[i].committed || !senders[i].is_open);
		n_k += senders[i].code == 'K';
	}
	fuzz_check(n_k <= took.n_taken);
	door_close(&d);
	check_senders();
	end();
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
	static struct buf whole, cut, wire;
	struct slice in = slice_of((const char *)at, n);
	struct fuzz_cuts cuts = fuzz_cuts_take(&in);
	uint8_t what = fuzz_byte(&in) & 3;

	if (what == 2) {
		mad_queue(in);
		return 0;
	}
	if (what == 3) {
		together(in, &cuts);
		return 0;
	}
	if (what == 1) {
		framed(in, &wire);
		in = buf_slice(&wire);
	}
	hostile(in, NULL, &whole);
	hostile(in, &cuts, &cut);
	fuzz_same(&whole, &cut);
	return 0;
}
