/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* check.h: how the kernels of an op are checked.
 *
 * check_<op>.c has two things: cases, which are data, and an oracle, which is
 * the op written in double in the most obvious way. For every case
 *
 *  - the plain kernel is compared with the oracle: it sums in double, so it may
 *    differ by the last rounding to float and no more;
 *  - each faster level is compared with the plain kernel, within the op's
 *    tolerance;
 *  - each level gives the same bits for 1, 2 and 3 threads, and when its items
 *    are done one by one from last to first;
 *  - nothing is read or written outside the arrays, no input changes, and the
 *    packed form of a weight gives the weight back bit for bit. */
#pragma once

#include "engine/cpu/cpu_private.h"

/* What an input is filled with. Everything follows from the seed. */
typedef enum
{
  D2V_FILL_NORMAL,   /* mean 0, deviation 1 */
  D2V_FILL_POSITIVE, /* 0.5..1.5: sums that only grow */
  D2V_FILL_OUTLIERS, /* normal; channels 3, 10, 17, ... times 1000 */
  D2V_FILL_DENORMAL, /* normal * 1e-39 */
  D2V_FILL_HOSTILE,  /* normal, with NaN and infinities among it */
  D2V_FILL_SWEEP,    /* -12..12, then the ends of the float range */
  D2V_FILL_EQUAL,    /* 1 */
  D2V_FILL_WEIGHT,   /* normal / sqrt (numbers in one entry of dim 0) */
  D2V_FILL_RAGGED, /* mask (B, S): each row counts fewer keys, from the left */
  D2V_FILL_LEFT,   /* mask (B, S): ragged, but from the right */
  D2V_FILL_HOLES,  /* mask: every third number 0; the others not just 1 */
  D2V_FILL_NONE_FIRST, /* mask (B, S): first row all 0, others ragged */
  D2V_FILL_IDS,        /* I64: 0, by - 1, then any id below `by` */
  D2V_FILL_FALLING     /* I64: offset, offset - 1, ... */
} D2vFill;

typedef struct
{
  gsize shape[5]; /* up to the first 0; none at all: the input is absent */
  D2vFill fill;
  gdouble by, offset; /* number = by * filled + offset; by 0 stands for 1 */
} D2vCheckInput;

typedef struct
{
  const gchar *name;
  D2vCheckInput in[D2V_MAX_INPUTS];
  gsize out[5];
  D2vAttributes a;
  gboolean for_timing; /* too slow for a test */
} D2vCheckCase;

typedef struct
{
  const D2vCheckCase *cases;
  guint n_cases;
  /* The result, and how large the numbers were that it was made of: rounding
   * is proportional to that. */
  void (*oracle) (const D2vCall *call, gdouble *y, gdouble *size);
  /* How far a faster level may be from the plain one, as a share of the size;
   * 0: the same bits. */
  gdouble tolerance;
  const gchar *reason; /* for the tolerance */
  /* Of products; NULL: not counted. */
  gdouble (*flop) (const D2vCall *call);
  /* For an op that changes an input, that slot and what it becomes. */
  guint state_slot;
  void (*state) (const D2vCall *call, gfloat *state);
} D2vCheck;

/* One check for each op: an op without one does not link. */
#define OP(NAME, name, fewest, most) extern const D2vCheck d2v_check_##name;
D2V_OP_LIST (OP)
#undef OP

/* `.cases = ..., .n_cases = ...` */
#define D2V_CASES(array) .cases = array, .n_cases = G_N_ELEMENTS (array)

typedef struct
{
  guint64 seed;
  gboolean timing;
  guint n_threads; /* for timing */
} D2vCheckOptions;

/* Checks all kernels of @op and prints TAP lines numbered from @n_lines + 1
 * on; adds them to @n_lines. Returns how many failed. */
guint d2v_check_op (D2vOp op, const D2vCheck *check,
                    const D2vCheckOptions *options, guint *n_lines);

/* The case at work, for who must tell why the program ended. */
extern const gchar *volatile d2v_check_running;

/* fill.c: the numbers of an input; @data is float or I64. */
void d2v_fill (const D2vCheckInput *input, guint64 seed, gpointer data);
gboolean d2v_fill_is_integer (D2vFill fill);

/* oracle.c: what several oracles need. */

/* activation (x), written a second time, in long double. */
gdouble d2v_oracle_activation (D2vActivation activation, gdouble x);
/* Puts an activation behind @y, and what it makes of the size. */
void d2v_oracle_activate (D2vActivation activation, gdouble *y, gdouble *size);
/* LAYER_NORM of @n numbers in place; see d2v_oracle_activate() for sizes. */
void d2v_oracle_norm (gdouble *y, gdouble *size, gsize n, const gfloat *gain,
                      const gfloat *shift, gdouble eps);
/* x[a][b][c] and x[a][b][c][d] */
gfloat d2v_at3 (const gfloat *x, const D2vShape *shape, gsize a, gsize b,
                gsize c);
gfloat d2v_at4 (const gfloat *x, const D2vShape *shape, gsize a, gsize b,
                gsize c, gsize d);

/* guard.c: arrays between pages that may not be touched. */
typedef struct
{
  guint8 *data; /* ends where the forbidden page begins, but for alignment */
  gsize n_bytes;
  guint8 *map;
  gsize map_bytes;
} D2vGuarded;

/* All bytes 0xff: NaN, should anybody read them. @alignment: of `data`. */
D2vGuarded d2v_guarded_new (gsize n_bytes, gsize alignment);
void d2v_guarded_free (D2vGuarded *guarded);
void d2v_guarded_poison (D2vGuarded *guarded);
/* FALSE when a byte beside the array was changed. */
gboolean d2v_guarded_is_whole (const D2vGuarded *guarded);
void d2v_guarded_protect (D2vGuarded *guarded);
void d2v_guarded_unprotect (D2vGuarded *guarded);
