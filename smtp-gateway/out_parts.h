/* out_parts.h - what out.c (jobs as the queue gives them) and transfer.c
 * (what becomes of them) say to each other; nobody else's
 */
#ifndef QUAIL_SMTP_OUT_PARTS_H
#define QUAIL_SMTP_OUT_PARTS_H

#include "smtp-gateway/out.h"

/* out_check_stopped - stop the loop if that is all that was left to do */
void
out_check_stopped(struct out *out);

/* job_outcome - what came of recipient i; only the first counts */
void
job_outcome(struct job *job, uint32_t i, const struct verdict *v);

/* job_has_several - more than one transfer? */
bool
job_has_several(const struct job *job);

/* job_start - hand all transfers to their dests, which work at the end of
 * the round */
void
job_start(struct job *job);

/* job_answer - give the queue what is known, in its order
 *
 * After the last verdict the job is gone. Lets jobs go on that waited for
 * memory.
 */
void
job_answer(struct job *job);

/* job_free - needs all its transfers freed */
void
job_free(struct job *job);

void
transfer_free(struct transfer *t);

#endif
