#include "smtp-gateway/smtpd.h"

#include "smtp-gateway/command.h"

/* commands */

static enum smtpd_event
fault(struct smtpd *m, enum smtpd_fault f)
{
	m->command = (struct smtpd_command){.fault = f};
	return SMTPD_COMMAND;
}

static enum smtpd_event
skip(struct smtpd *m, const char *at, size_t n, size_t *used)
{
	size_t i = slice_find(slice_of(at, n), '\n');

	if (i == n) {
		*used = n;
		return SMTPD_MORE;
	}
	*used = i + 1;
	m->state = SMTPD_S_COMMAND;
	return fault(m, SMTPD_TOO_LONG);
}

static enum smtpd_event
line(struct smtpd *m, char *at, size_t n, size_t *used)
{
	struct slice s = slice_of(at, n);
	size_t end = slice_find(s, '\n');

	if (end >= SMTPD_LINE_MAX) {
		m->state = SMTPD_S_SKIP;
		return skip(m, at, n, used);
	}
	if (end == n)
		return SMTPD_MORE;
	*used = end + 1;
	s.len = end;
	if (slice_find(s, '\0') < s.len)
		return fault(m, SMTPD_NUL);
	if (end == 0 || slice_find(s, '\r') != end - 1)
		return fault(m, SMTPD_BARE);
	command_parse(&m->command, at, end - 1);
	return SMTPD_COMMAND;
}

/* text */

static enum smtpd_state
bare(struct smtpd *m, char c)
{
	m->bare = true;
	return c == '\r' ? SMTPD_S_CR : SMTPD_S_MIDDLE;
}

/* The state after byte c; *keep says if something of it is text. */
static enum smtpd_state
step(struct smtpd *m, char c, bool *keep)
{
	*keep = false;
	switch (m->state) {
	case SMTPD_S_CR:
		if (c != '\n')
			return bare(m, c);
		*keep = true;
		return SMTPD_S_BEGIN;
	case SMTPD_S_DOT_CR: return c == '\n' ? SMTPD_S_COMMAND : bare(m, c);
	case SMTPD_S_BEGIN:
		if (c == '.')
			return SMTPD_S_DOT;
		break;
	case SMTPD_S_DOT:
		if (c == '\r')
			return SMTPD_S_DOT_CR;
		break;
	case SMTPD_S_MIDDLE:
	case SMTPD_S_COMMAND:
	case SMTPD_S_SKIP: break;
	}
	if (c == '\r')
		return SMTPD_S_CR;
	if (c == '\n')
		return bare(m, c);
	*keep = true;
	return SMTPD_S_MIDDLE;
}

/* In the middle of a line all bytes up to its end stay as they are. */
static size_t
run(const struct smtpd *m, const char *at, size_t n)
{
	struct slice s = slice_of(at, n);

	if (m->state != SMTPD_S_MIDDLE)
		return 0;
	s.len = slice_find(s, '\r');
	return slice_find(s, '\n');
}

static enum smtpd_event
text(struct smtpd *m, char *at, size_t n, size_t *used)
{
	size_t i = 0, kept = 0;

	while (i < n && m->state != SMTPD_S_COMMAND) {
		size_t plain = run(m, at + i, n - i);
		bool keep;

		if (plain > 0) {
			if (kept != i)
				memmove(at + kept, at + i, plain);
			i += plain;
			kept += plain;
			continue;
		}
		m->state = step(m, at[i], &keep);
		if (keep)
			at[kept++] = at[i];
		i++;
	}
	*used = i;
	m->text = slice_of(at, kept);
	if (m->state == SMTPD_S_COMMAND && kept == 0)
		return SMTPD_END;
	if (m->state == SMTPD_S_COMMAND) {
		/* Text first: the end's last byte is given back. */
		m->state = SMTPD_S_DOT_CR;
		(*used)--;
	}
	return kept > 0 ? SMTPD_TEXT : SMTPD_MORE;
}

enum smtpd_event
smtpd_push(struct smtpd *m, char *at, size_t n, size_t *used)
{
	*used = 0;
	if (n == 0)
		return SMTPD_MORE;
	if (m->state == SMTPD_S_COMMAND)
		return line(m, at, n, used);
	if (m->state == SMTPD_S_SKIP)
		return skip(m, at, n, used);
	return text(m, at, n, used);
}

void
smtpd_data(struct smtpd *m)
{
	m->state = SMTPD_S_BEGIN;
	m->bare = false;
}
