/* talk_test - SMTP on stdin: every cut tells the same story, and only
 * CR LF . CR LF ends a text
 */
#include "qmqpc/talk.h"

#include "lib/buf.h"
#include "tests/tap.h"

static struct buf told;

/* Commands become "<line>", text itself, the end ".", what is wrong "!". */
static void
tell(struct talk *t, struct slice in)
{
	enum talk_event event = TALK_MORE;
	struct slice out;

	while (in.len > 0 && event != TALK_BAD) {
		event = talk_push(t, &in, &out);
		if (event == TALK_COMMAND) {
			buf_putc(&told, '<');
			buf_puts(&told, out);
			buf_putc(&told, '>');
			if (slice_eq(out, SLICE("DATA")))
				talk_text(t);
		} else if (event == TALK_END) {
			buf_putc(&told, '.');
		} else if (event == TALK_BAD) {
			buf_putc(&told, '!');
		} else {
			buf_puts(&told, out);
		}
	}
}

static const struct {
	const char *in, *story;
} cases[] = {
    {"EHLO x\r\nMAIL FROM:<a@b>\r\n", "<EHLO x><MAIL FROM:<a@b>>"},
    {"\r\n", "<>"},
    {"DATA\r\n.\r\nQUIT\r\n", "<DATA>.<QUIT>"},
    {"DATA\r\na\r\n..\r\n.b\r\n\r\n.\r\nQUIT\r\n", "<DATA>a\n.\nb\n\n.<QUIT>"},
    {"DATA\r\na.\r\n.\r\nDATA\r\nc\r\n.\r\n", "<DATA>a.\n.<DATA>c\n."},
    {"NOOP\nQUIT\r\n", "!"},
    {"NO\rOP\r\n", "!"},
    {"DATA\r\na\n.\r\nMAIL FROM:<x>\r\n", "<DATA>a!"},
    {"DATA\r\na\r\n.\nMAIL FROM:<x>\r\n", "<DATA>a\n!"},
    {"DATA\r\na\r.\r\nMAIL FROM:<x>\r\n", "<DATA>a!"},
    {"DATA\r\na\r\n.\r.\r\n", "<DATA>a\n!"},
    {"DATA\r\na\r\r\n.\r\n", "<DATA>a!"},
    {"DATA\r\n\n.\r\n", "<DATA>!"},
};

static bool
story_is(const char *wanted)
{
	return slice_eq(buf_slice(&told), slice_text(wanted));
}

int
main(void)
{
	char line[TALK_LINE_MAX + 8];
	size_t i, cut, len;

	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		len = strlen(cases[i].in);
		for (cut = 0; cut <= len; cut++) {
			struct talk t = {0};

			buf_clear(&told);
			tell(&t, slice_of(cases[i].in, cut));
			if (t.state != TALK_S_BROKEN)
				tell(&t,
				     slice_of(cases[i].in + cut, len - cut));
			ok_quiet(story_is(cases[i].story),
				 "case %zu, cut at %zu: %.*s", i, cut,
				 (int)told.len, buf_slice(&told).at);
		}
		{
			struct talk t = {0};

			buf_clear(&told);
			for (cut = 0; cut < len && t.state != TALK_S_BROKEN;
			     cut++)
				tell(&t, slice_of(cases[i].in + cut, 1));
		}
		ok(story_is(cases[i].story), "case %zu byte by byte: %s", i,
		   cases[i].story);
	}
	memset(line, 'a', sizeof line);
	{
		struct talk t = {0};

		buf_clear(&told);
		tell(&t, slice_of(line, sizeof line));
		ok(story_is("!"), "a command without an end");
	}
	buf_free(&told);
	return tap_done();
}
