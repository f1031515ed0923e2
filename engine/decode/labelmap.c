/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/decode/labelmap.h"

#include "engine/base/alloc.h"
#include "engine/base/error.h"
#include "engine/base/interpolate.h"
#include "engine/base/math.h"

#include <math.h>
#include <string.h>

/* Pixels whose classes are compared at a time, in registers. */
#define LANES 16

/* Columns of the map done from top to bottom before the next: two rows of them
 * in 150 classes stay in the second-level cache. */
#define BAND 128

/* One row of the logits, interpolated for the columns of a band: what
 * neighbouring rows of the map share. */
typedef struct
{
  gfloat *values; /* (n_classes, BAND) */
  gsize row;      /* of the logits; G_MAXSIZE: none yet */
} WideRow;

typedef struct
{
  const gfloat *logits; /* (n_classes, in_height, in_width) */
  gsize n_classes, in_height, in_width;
  gsize begin, n;             /* columns of the band */
  D2vFloatTaps columns[BAND]; /* (n) */
  WideRow rows[2];
} Work;

static void
widen (const Work *work, WideRow *out, gsize row)
{
  if (out->row == row)
    return;
  out->row = row;
  for (gsize c = 0; c < work->n_classes; c++)
    {
      const gfloat *in
          = work->logits + (c * work->in_height + row) * work->in_width;
      gfloat *wide = out->values + c * BAND;

      for (gsize x = 0; x < work->n; x++)
        {
          const D2vFloatTaps *t = &work->columns[x];

          wide[x] = d2v_float_between (t->weight, in[t->low], in[t->high]);
        }
    }
}

/* The greatest class of LANES pixels, of which @above and @below are the
 * first in class 0. */
static void
best_classes (const gfloat *above, const gfloat *below, gsize n_classes,
              const gfloat weight[2], gint32 *best_class)
{
  gfloat best[LANES];

  for (guint i = 0; i < LANES; i++)
    {
      best[i] = -INFINITY;
      best_class[i] = 0;
    }
  for (gsize c = 0; c < n_classes; c++, above += BAND, below += BAND)
    for (guint i = 0; i < LANES; i++)
      {
        gfloat value = weight[0] * above[i] + weight[1] * below[i];

        d2v_take_greater (value, (gint32) c, &best[i], &best_class[i]);
      }
}

/* The same where a row of the map is a row of the logits: no product with
 * the row below, which may be infinite. */
static void
best_classes_alone (const gfloat *values, gsize n_classes, gint32 *best_class)
{
  gfloat best[LANES];

  for (guint i = 0; i < LANES; i++)
    {
      best[i] = -INFINITY;
      best_class[i] = 0;
    }
  for (gsize c = 0; c < n_classes; c++, values += BAND)
    for (guint i = 0; i < LANES; i++)
      d2v_take_greater (values[i], (gint32) c, &best[i], &best_class[i]);
}

/* The band's columns of row @y. */
static void
fill_row (Work *work, D2vLabelMap *map, gsize y)
{
  D2vFloatTaps taps = d2v_float_taps (y, work->in_height, map->height);
  guint16 *labels = map->labels + y * map->width + work->begin;
  gboolean between = taps.weight[1] != 0;

  /* The lower row of one pair is often the upper row of the next. */
  if (work->rows[0].row != taps.low && work->rows[1].row == taps.low)
    {
      WideRow upper = work->rows[1];

      work->rows[1] = work->rows[0];
      work->rows[0] = upper;
    }
  widen (work, &work->rows[0], taps.low);
  if (between)
    widen (work, &work->rows[1], taps.high);

  for (gsize x = 0; x < work->n; x += LANES)
    {
      gint32 best[LANES];

      if (between)
        best_classes (work->rows[0].values + x, work->rows[1].values + x,
                      work->n_classes, taps.weight, best);
      else
        best_classes_alone (work->rows[0].values + x, work->n_classes, best);
      for (gsize i = 0; i < LANES && x + i < work->n; i++)
        {
          labels[x + i] = (guint16) best[i];
          map->counts[best[i]]++;
        }
    }
}

static void
fill_band (Work *work, D2vLabelMap *map, gsize begin)
{
  work->begin = begin;
  work->n = d2v_min (BAND, map->width - begin);
  for (gsize x = 0; x < work->n; x++)
    work->columns[x] = d2v_float_taps (begin + x, work->in_width, map->width);
  for (guint i = 0; i < 2; i++)
    work->rows[i].row = G_MAXSIZE;
  for (gsize y = 0; y < map->height; y++)
    fill_row (work, map, y);
}

gboolean
d2v_label_map_check (gsize n_classes, gsize height, gsize width, GError **error)
{
  gsize n_pixels;

  if (n_classes == 0 || n_classes > D2V_MAX_MAP_CLASSES || height == 0
      || width == 0)
    return d2v_fail (error, D2V_ERROR_INPUT, NULL,
                     "expected 1..%d classes and sizes above 0, found "
                     "%" G_GSIZE_FORMAT " for %" G_GSIZE_FORMAT
                     "x%" G_GSIZE_FORMAT " pixels",
                     D2V_MAX_MAP_CLASSES, n_classes, height, width);
  if (!d2v_mul (height, width, &n_pixels) || n_pixels > D2V_MAX_MAP_PIXELS)
    return d2v_fail (error, D2V_ERROR_TOO_BIG, NULL,
                     "expected at most %" G_GSIZE_FORMAT
                     " pixels, found %" G_GSIZE_FORMAT "x%" G_GSIZE_FORMAT,
                     D2V_MAX_MAP_PIXELS, height, width);
  return TRUE;
}

/* NULL with NO_MEMORY. */
static D2vLabelMap *
new_map (gsize n_classes, gsize height, gsize width, GError **error)
{
  D2vLabelMap *map = g_new0 (D2vLabelMap, 1);

  map->width = width;
  map->height = height;
  map->n_classes = n_classes;
  map->labels = d2v_malloc_n (height * width, sizeof *map->labels);
  map->counts = d2v_malloc0 (n_classes * sizeof *map->counts);
  if (map->labels != NULL && map->counts != NULL)
    return map;
  d2v_fail (error, D2V_ERROR_NO_MEMORY, NULL,
            "expected memory for a map of %" G_GSIZE_FORMAT "x%" G_GSIZE_FORMAT
            " pixels, found none",
            height, width);
  d2v_label_map_free (map);
  return NULL;
}

static gboolean
fill (Work *work, D2vLabelMap *map, GError **error)
{
  /* Zeros, because the last lanes are read beyond the width. */
  for (guint i = 0; i < 2; i++)
    work->rows[i].values
        = d2v_malloc0 (work->n_classes * BAND * sizeof (gfloat));
  if (work->rows[0].values == NULL || work->rows[1].values == NULL)
    return d2v_fail (error, D2V_ERROR_NO_MEMORY, NULL, "rows of logits");
  for (gsize begin = 0; begin < map->width; begin += BAND)
    fill_band (work, map, begin);
  return TRUE;
}

D2vLabelMap *
d2v_label_map_new (const gfloat *logits, gsize n_classes, gsize in_height,
                   gsize in_width, gsize height, gsize width, GError **error)
{
  Work work = { .logits = logits,
                .n_classes = n_classes,
                .in_height = in_height,
                .in_width = in_width };

  if (!d2v_label_map_check (n_classes, in_height, in_width, error)
      || !d2v_label_map_check (n_classes, height, width, error))
    return NULL;
  D2vLabelMap *map = new_map (n_classes, height, width, error);
  if (map != NULL && !fill (&work, map, error))
    g_clear_pointer (&map, d2v_label_map_free);
  d2v_free (work.rows[0].values);
  d2v_free (work.rows[1].values);
  return map;
}

D2vLabelMap *
d2v_label_map_new_from_classes (const gfloat *classes, gsize n_classes,
                                gsize height, gsize width, GError **error)
{
  if (!d2v_label_map_check (n_classes, height, width, error))
    return NULL;
  D2vLabelMap *map = new_map (n_classes, height, width, error);
  for (gsize i = 0; map != NULL && i < height * width; i++)
    {
      gfloat found = classes[i];
      guint16 label
          = found > 0 && found < (gfloat) n_classes ? (guint16) found : 0;

      map->labels[i] = label;
      map->counts[label]++;
    }
  return map;
}

void
d2v_label_map_free (D2vLabelMap *map)
{
  if (map == NULL)
    return;
  d2v_free (map->labels);
  d2v_free (map->counts);
  g_free (map);
}
