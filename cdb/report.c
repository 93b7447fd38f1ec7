#include "cdb/report.h"

static void
quoted(struct buf *out, struct slice word)
{
	bool cut = word.len > REPORT_WORD_MAX;
	size_t i;

	if (cut)
		word.len = REPORT_WORD_MAX;
	buf_putc(out, '"');
	for (i = 0; i < word.len; i++)
		buf_putc(out, word.at[i] >= ' ' && word.at[i] <= '~'
				  ? word.at[i]
				  : '?');
	buf_text(out, cut ? "...\"" : "\"");
}

void
report_init(struct report *r)
{
	*r = (struct report){.warnings = {.mark = "warning: "}};
}

void
report_line(struct report_lines *r, const char *file, uint32_t line,
	    uint32_t column, const char *text, const struct slice *words)
{
	if (r->n++ >= REPORT_MAX)
		return;
	buf_text(&r->text, file);
	buf_putc(&r->text, ':');
	if (line) {
		buf_number(&r->text, line);
		buf_putc(&r->text, ':');
	}
	if (column) {
		buf_number(&r->text, column);
		buf_putc(&r->text, ':');
	}
	buf_putc(&r->text, ' ');
	if (r->mark)
		buf_text(&r->text, r->mark);
	for (; *text; text++)
		if (*text == '$')
			quoted(&r->text, *words++);
		else
			buf_putc(&r->text, *text);
	buf_putc(&r->text, '\n');
}

void
report_free(struct report *r)
{
	buf_free(&r->errors.text);
	buf_free(&r->warnings.text);
	*r = (struct report){0};
}
