/* judge_test.c - what servers say, and what it means for the mail */
#include "smtp-gateway/judge.h"
#include "tests/tap.h"

enum { FIRST = 1, AGAIN = 2, NEVER = 0, BOTH = FIRST | AGAIN };

static const struct {
	const char *reply;
	enum judge_at at;
	bool is_smarthost;
	char letter;   /* as it is told to the queue */
	int elsewhere; /* at which attempts may the next host be asked? */
} said[] = {
    {"250 2.0.0 ok\r\n", JUDGE_TEXT, false, 'K', NEVER},
    {"550 5.1.1 no such user\r\n", JUDGE_RCPT, false, 'D', NEVER},
    {"550 no such user\r\n", JUDGE_RCPT, true, 'D', NEVER},
    {"554 5.7.1 spam\r\n", JUDGE_TEXT, false, 'D', NEVER},
    /* a Z: whose? */
    {"421 4.3.2 closing\r\n", JUDGE_MAIL, false, 'L', AGAIN},
    {"421 4.7.0 too fast\r\n", JUDGE_RCPT, false, 'L', AGAIN},
    {"451 4.3.0 try later\r\n", JUDGE_MAIL, false, 'H', BOTH},
    {"451 4.4.3 no route\r\n", JUDGE_RCPT, true, 'H', BOTH},
    {"452 4.3.1 disk full\r\n", JUDGE_TEXT, false, 'H', BOTH},
    {"450 busy\r\n", JUDGE_RCPT, false, 'Z', BOTH},
    {"450 busy\r\n", JUDGE_TEXT, false, 'H', BOTH},
    {"451 4.7.1 greylisted\r\n", JUDGE_RCPT, false, 'Z', AGAIN},
    {"452 4.2.2 mailbox full\r\n", JUDGE_RCPT, false, 'Z', AGAIN},
    {"452 4.2.2 mailbox full\r\n", JUDGE_TEXT, false, 'Z', AGAIN},
    {"451 4.1.8 sender's domain\r\n", JUDGE_MAIL, false, 'Z', BOTH},
    {"nonsense\r\n", JUDGE_MAIL, false, 'H', BOTH},
    /* a 5xx that is ours */
    {"530 5.7.0 Must issue a STARTTLS command first\r\n", JUDGE_MAIL, false,
     'H', BOTH},
    {"530 Authentication required\r\n", JUDGE_MAIL, true, 'H', BOTH},
    {"550 5.7.1 STARTTLS is needed\r\n", JUDGE_MAIL, false, 'H', BOTH},
    {"535 5.7.8 bad credentials\r\n", JUDGE_MAIL, true, 'H', BOTH},
    {"538 5.7.11 encryption required\r\n", JUDGE_MAIL, false, 'H', BOTH},
    {"554 5.7.10 encryption needed\r\n", JUDGE_RCPT, false, 'H', BOTH},
    {"550-5.7.29 sent without\r\n550 5.7.29 TLS\r\n", JUDGE_TEXT, false, 'H',
     BOTH},
    {"503 5.5.1 EHLO first\r\n", JUDGE_MAIL, false, 'H', BOTH},
    {"500 what\r\n", JUDGE_MAIL, false, 'H', BOTH},
    {"500 line too long\r\n", JUDGE_TEXT, false, 'D', NEVER},
    {"501 5.1.7 bad sender\r\n", JUDGE_MAIL, false, 'D', NEVER},
    {"504 5.5.2 <x>: Helo command rejected: need a full name\r\n", JUDGE_RCPT,
     false, 'H', BOTH},
    {"550 5.7.1 <x>: Helo command rejected: Host not found\r\n", JUDGE_RCPT,
     false, 'H', BOTH},
    /* ... when a smarthost says it */
    {"550 5.7.1 relaying denied\r\n", JUDGE_RCPT, true, 'H', BOTH},
    {"554 5.7.1 <a@b.test>: Relay access denied\r\n", JUDGE_RCPT, true, 'H',
     BOTH},
    {"550 5.7.54 SMTP; unable\r\n", JUDGE_RCPT, true, 'H', BOTH},
    {"553 sorry, not in my list of allowed rcpthosts\r\n", JUDGE_RCPT, true,
     'H', BOTH},
    {"550 you must authenticate\r\n", JUDGE_MAIL, true, 'H', BOTH},
    {"554 5.7.0 TLS needed here\r\n", JUDGE_MAIL, true, 'H', BOTH},
    {"550 5.7.1 relaying denied\r\n", JUDGE_RCPT, false, 'D', NEVER},
    {"550-5.7.26 the sender is unauthenticated: must authenticate\r\n"
     "550 5.7.26 with SPF\r\n",
     JUDGE_TEXT, false, 'D', NEVER},
    /* words that are no signs */
    {"550 5.1.1 relay: no such user\r\n", JUDGE_RCPT, true, 'D', NEVER},
    {"550 <login@d.test> is unknown\r\n", JUDGE_RCPT, true, 'D', NEVER},
    {"550 the author is unknown\r\n", JUDGE_RCPT, true, 'D', NEVER},
    {"550 no Outlsx here\r\n", JUDGE_RCPT, true, 'D', NEVER},
};

static void
hear(struct smtpc *c, struct buf *out, const char *reply)
{
	struct slice in = slice_text(reply);

	smtpc_init(c, out, SLICE("me"));
	smtpc_push(c, &in);
}

static void
test_said(void)
{
	struct buf out = {0};
	struct verdict v;
	struct smtpc c;
	size_t i;

	for (i = 0; i < sizeof said / sizeof *said; i++) {
		struct judge how = {said[i].at, said[i].is_smarthost, false};
		int elsewhere;

		hear(&c, &out, said[i].reply);
		judge(&c, SLICE("mx"), how, &v);
		elsewhere = (judge_elsewhere(&v, false) ? FIRST : 0) |
			    (judge_elsewhere(&v, true) ? AGAIN : 0);
		ok(verdict_letter(&v) == said[i].letter &&
		       elsewhere == said[i].elsewhere,
		   "%s %c, another host %d: %.*s",
		   said[i].is_smarthost ? "smarthost" : "MX",
		   verdict_letter(&v), elsewhere, (int)v.len, v.text);
	}
	buf_free(&out);
}

static void
test_too_many(void)
{
	static const struct {
		const char *reply;
		size_t n_good;
		bool too_many;
	} table[] = {
	    {"452 4.5.3 too many recipients\r\n", 3, true},
	    {"452 too many\r\n", 1, true},
	    {"552 too many\r\n", 1, true},
	    {"552 5.5.3 too many\r\n", 1, true},
	    {"452 4.5.3 too many recipients\r\n", 0, false},
	    {"552 too many\r\n", 0, false},
	    {"452 4.2.2 mailbox full\r\n", 3, false},
	    {"552 5.2.2 mailbox full\r\n", 3, false},
	    {"552 5.3.4 too large\r\n", 3, false},
	    {"452 4.3.1 disk full\r\n", 3, false},
	    {"550 5.5.3 too many\r\n", 3, false},
	    {"450 4.5.3 later\r\n", 3, false},
	};
	struct buf out = {0};
	struct smtpc c;
	size_t i;

	for (i = 0; i < sizeof table / sizeof *table; i++) {
		hear(&c, &out, table[i].reply);
		c.n_good = table[i].n_good;
		ok(judge_too_many(&c) == table[i].too_many, "behind %zu: %.20s",
		   table[i].n_good, table[i].reply);
	}
	buf_free(&out);
}

static void
test_stray(void)
{
	struct buf out = {0};
	struct verdict v;
	struct smtpc c;

	hear(&c, &out, "220 a\r\n250 b\r\n");
	judge(&c, SLICE("mx"), (struct judge){JUDGE_MAIL, false, false}, &v);
	ok(verdict_letter(&v) == 'H', "a stray 250 is the host's: %.*s",
	   (int)v.len, v.text);
	buf_free(&out);
}

/* What is doubtful at the first attempt, and what is not. */
static void
test_again(void)
{
	static const struct {
		const char *reply;
		enum judge_at at;
		char first, then;
	} table[] = {
	    {"500 5.5.2 what?\r\n", JUDGE_MAIL, 'H', 'D'},
	    {"502 5.5.1 no\r\n", JUDGE_MAIL, 'H', 'D'},
	    {"503 5.5.1 EHLO first\r\n", JUDGE_MAIL, 'H', 'D'},
	    {"504 5.5.2 <root@web7>: Sender address rejected: need "
	     "fully-qualified address\r\n",
	     JUDGE_RCPT, 'H', 'D'},
	    {"504 5.5.2 <x>: Helo command rejected\r\n", JUDGE_RCPT, 'H', 'H'},
	    {"530 5.7.0 STARTTLS first\r\n", JUDGE_MAIL, 'H', 'H'},
	    {"501 5.5.4 no\r\n", JUDGE_MAIL, 'D', 'D'},
	    {"421 4.3.2 busy\r\n", JUDGE_MAIL, 'L', 'L'},
	};
	struct buf out = {0};
	struct verdict v;
	struct smtpc c;
	size_t i;
	int again;

	for (i = 0; i < sizeof table / sizeof *table; i++)
		for (again = 0; again < 2; again++) {
			struct judge how = {table[i].at, true, again};
			char letter = again ? table[i].then : table[i].first;

			hear(&c, &out, table[i].reply);
			judge(&c, SLICE("mx"), how, &v);
			ok(verdict_letter(&v) == letter, "attempt %d, %c: %.*s",
			   again + 1, verdict_letter(&v), (int)v.len, v.text);
		}
	buf_free(&out);
}

int
main(void)
{
	test_said();
	test_again();
	test_too_many();
	test_stray();
	return tap_done();
}
