/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* config_vision.c: the keys of data2vec-vision, with the original's
 * defaults. */

#include "engine/io/config_private.h"

#include <math.h>
#include <string.h>

#define MAX_SIDE 4096
#define MAX_PATCHES 16384
#define N_FEATURES 4
#define MAX_LAYERS 128

static void
set_defaults (D2vConfig *c)
{
  static const gsize indices[] = { 3, 5, 7, 11 };
  static const gsize scales[] = { 1, 2, 3, 6 };

  c->layer_norm_eps = 1e-12f;
  c->image_size_h = c->image_size_w = 224;
  c->patch_size = 16;
  c->num_channels = 3;
  c->use_layer_scale = TRUE;
  c->use_mean_pooling = TRUE;
  memcpy (c->out_indices, indices, sizeof indices);
  c->n_out_indices = G_N_ELEMENTS (indices);
  memcpy (c->pool_scales, scales, sizeof scales);
  c->n_pool_scales = G_N_ELEMENTS (scales);
  c->use_auxiliary_head = TRUE;
  c->auxiliary_channels = 256;
  c->auxiliary_num_convs = 1;
}

/* A number for both sides, or a list of height and width. */
static gboolean
read_sides (D2vConfigReader *r, const gchar *key, gsize *h, gsize *w)
{
  const D2vJsonValue *value = d2v_json_member (r->root, key);
  gsize sides[D2V_MAX_CONV];
  gsize n = 0;

  if (d2v_json_type (value) != D2V_JSON_ARRAY)
    {
      d2v_read_size (r, TRUE, key, 1, MAX_SIDE, h);
      *w = *h;
      return FALSE;
    }
  d2v_read_sizes (r, TRUE, key, 1, MAX_SIDE, 2, sides, &n);
  d2v_require (r, n == 2,
               "%s: expected a number or a list of two, found "
               "%" G_GSIZE_FORMAT " entries",
               key, n);
  if (n == 2)
    {
      *h = sides[0];
      *w = sides[1];
    }
  return TRUE;
}

static gboolean
is_square_number (gsize n)
{
  gsize root = (gsize) lround (sqrt ((gdouble) n));

  return root * root == n;
}

static void
read_grid (D2vConfigReader *r)
{
  D2vConfig *c = r->config;
  gsize patch_h = c->patch_size, patch_w = c->patch_size;

  c->image_size_is_pair
      = read_sides (r, "image_size", &c->image_size_h, &c->image_size_w);
  read_sides (r, "patch_size", &patch_h, &patch_w);
  c->patch_size = patch_h;
  d2v_require (r, patch_h == patch_w,
               "patch_size: expected equal sides, found %" G_GSIZE_FORMAT
               " and %" G_GSIZE_FORMAT,
               patch_h, patch_w);
  d2v_require (r, patch_h <= c->image_size_h && patch_w <= c->image_size_w,
               "patch_size: expected at most image_size %" G_GSIZE_FORMAT
               " x %" G_GSIZE_FORMAT ", found %" G_GSIZE_FORMAT,
               c->image_size_h, c->image_size_w, patch_h);
  gsize patches = (c->image_size_h / patch_h) * (c->image_size_w / patch_w);
  d2v_require (r, patches <= MAX_PATCHES,
               "image_size: expected at most %d patches, found "
               "%" G_GSIZE_FORMAT,
               MAX_PATCHES, patches);
  d2v_require (
      r, !c->image_size_is_pair || c->head != D2V_HEAD_SEMANTIC_SEGMENTATION,
      "image_size: expected one number for this class, found a "
      "list");
  d2v_read_bool (r, "use_absolute_position_embeddings",
                 &c->use_absolute_position_embeddings);
  d2v_require (
      r, !c->use_absolute_position_embeddings || is_square_number (patches),
      "image_size: expected a square number of patches for absolute "
      "positions, found %" G_GSIZE_FORMAT,
      patches);
}

static void
read_segmentation (D2vConfigReader *r)
{
  D2vConfig *c = r->config;
  gboolean used = c->head == D2V_HEAD_SEMANTIC_SEGMENTATION;

  /* Beyond the layers of this model too: the original passes over those. */
  d2v_read_sizes (r, used, "out_indices", 0, MAX_LAYERS + 1,
                  G_N_ELEMENTS (c->out_indices), c->out_indices,
                  &c->n_out_indices);
  d2v_require (r, !used || c->n_out_indices == N_FEATURES,
               "out_indices: expected %d entries, found %" G_GSIZE_FORMAT,
               N_FEATURES, c->n_out_indices);
  d2v_read_sizes (r, used, "pool_scales", 1, 64, D2V_MAX_SCALES, c->pool_scales,
                  &c->n_pool_scales);
  d2v_read_bool (r, "use_auxiliary_head", &c->use_auxiliary_head);
  /* Its output belongs to the loss, so nothing here depends on its sizes. */
  d2v_read_size (r, FALSE, "auxiliary_channels", 1, 16384,
                 &c->auxiliary_channels);
  d2v_read_size (r, FALSE, "auxiliary_num_convs", 0, 64,
                 &c->auxiliary_num_convs);
  d2v_read_bool (r, "auxiliary_concat_input", &c->auxiliary_concat_input);
}

void
d2v_config_read_vision (D2vConfigReader *r)
{
  D2vConfig *c = r->config;
  gdouble layer_scale = 0.1;

  set_defaults (c);
  read_grid (r);
  d2v_read_size (r, TRUE, "num_channels", 1, 4, &c->num_channels);
  d2v_read_bool (r, "use_mask_token", &c->use_mask_token);
  d2v_read_bool (r, "use_relative_position_bias",
                 &c->use_relative_position_bias);
  d2v_read_bool (r, "use_shared_relative_position_bias",
                 &c->use_shared_relative_position_bias);
  d2v_read_number (r, "layer_scale_init_value", -G_MAXFLOAT, G_MAXFLOAT,
                   &layer_scale);
  c->use_layer_scale = layer_scale > 0;
  d2v_read_bool (r, "use_mean_pooling", &c->use_mean_pooling);
  read_segmentation (r);
}
