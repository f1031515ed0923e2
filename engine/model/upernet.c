/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* upernet.c: the segmentation head (spec 4.6, 4.7), channels last.
 *
 * Batch norms are folded into the convolutions before them when the model is
 * bound, in double precision. */

#include "engine/base/error.h"
#include "engine/model/vision.h"

#include <math.h>

#define BATCH_NORM_EPS 1e-5

/* ----------------------------------------------------------- folding -- */

typedef struct
{
  const gfloat *gain, *shift, *mean, *variance; /* (O) each */
} BatchNorm;

static gboolean
bind_batch_norm (D2vBinder *b, gsize n, const gchar *name, BatchNorm *bn)
{
  const gchar *const parts[]
      = { "weight", "bias", "running_mean", "running_var" };
  const gfloat **out[] = { &bn->gain, &bn->shift, &bn->mean, &bn->variance };

  for (guint i = 0; i < 4; i++)
    {
      D2vTensor *part = d2v_bind (b, d2v_shape (n), "/%s.%s", name, parts[i]);
      if (part == NULL || part->n_bytes != n * sizeof (gfloat))
        return FALSE;
      *out[i] = part->data;
    }
  return TRUE;
}

static gdouble
fold_factor (const BatchNorm *bn, gsize i)
{
  return bn->gain[i] / sqrt ((gdouble) bn->variance[i] + BATCH_NORM_EPS);
}

/* Tensors made here are empty when memory is short; the binder is told. */
static D2vTensor *
made (D2vBinder *b, D2vShape shape)
{
  D2vTensor *tensor = d2v_tensor_new (D2V_F32, shape.rank, shape.dim);

  if (tensor == NULL)
    d2v_bind_fail (b, D2V_ERROR_NO_MEMORY, "a folded convolution");
  return d2v_bind_own (b, tensor);
}

/* Conv2d without bias, then batch norm: W' = W f, b' = shift - mean f. */
static D2vConvModule
bind_module (D2vBinder *b, gsize out, gsize in, gsize k, const gchar *name)
{
  D2vConvModule module = { NULL, NULL };
  D2vTensor *weight
      = d2v_bind_source (b, d2v_shape (out, in, k, k), "/%s.conv.weight", name);
  g_autofree gchar *bn_name = g_strdup_printf ("%s.bn", name);
  BatchNorm bn;

  if (!bind_batch_norm (b, out, bn_name, &bn) || weight == NULL
      || weight->n_bytes != out * in * k * k * sizeof (gfloat)
      || (module.weight = made (b, weight->shape)) == NULL
      || (module.bias = made (b, d2v_shape (out))) == NULL)
    return module;
  for (gsize o = 0; o < out; o++)
    {
      gdouble f = fold_factor (&bn, o);
      const gfloat *from = (const gfloat *) weight->data + o * in * k * k;
      gfloat *to = (gfloat *) module.weight->data + o * in * k * k;

      for (gsize i = 0; i < in * k * k; i++)
        to[i] = (gfloat) (from[i] * f);
      ((gfloat *) module.bias->data)[o]
          = (gfloat) (bn.shift[o] - bn.mean[o] * f);
    }
  return module;
}

/* ConvTranspose2d, 2x2, stride 2: y (2i + dy, 2j + dx) = W[:, :, dy, dx]' x
 * (i, j) + b, so the weight (C, O, 2, 2) becomes (4 O, C) with block 2 dy + dx
 * for each pixel. A batch norm after it folds over the output axis. */
static D2vLinear
bind_transposed (D2vBinder *b, gsize width, const gchar *name,
                 const BatchNorm *bn)
{
  D2vLinear linear = { NULL, NULL };
  gsize n = width * width * 4;
  D2vTensor *weight
      = d2v_bind_source (b, d2v_shape (width, width, 2, 2), "/%s.weight", name);
  D2vTensor *bias = d2v_bind_source (b, d2v_shape (width), "/%s.bias", name);

  if (weight == NULL || bias == NULL || weight->n_bytes != n * sizeof (gfloat)
      || bias->n_bytes != width * sizeof (gfloat)
      || (linear.weight = made (b, d2v_shape (4 * width, width))) == NULL
      || (linear.bias = made (b, d2v_shape (4 * width))) == NULL)
    return linear;

  const gfloat *from = weight->data;
  for (gsize tap = 0; tap < 4; tap++)
    for (gsize o = 0; o < width; o++)
      {
        gdouble f = bn != NULL ? fold_factor (bn, o) : 1;
        gdouble mean = bn != NULL ? bn->mean[o] : 0;
        gdouble shift = bn != NULL ? bn->shift[o] : 0;
        gfloat *row
            = (gfloat *) linear.weight->data + (tap * width + o) * width;

        for (gsize c = 0; c < width; c++)
          row[c] = (gfloat) (from[(c * width + o) * 4 + tap] * f);
        ((gfloat *) linear.bias->data)[tap * width + o]
            = (gfloat) ((((const gfloat *) bias->data)[o] - mean) * f + shift);
      }
  return linear;
}

/* The 3x3 convolution over four joined maps, three of which are upsampled: a
 * sum of four convolutions. Products and upsampling commute, so that those of
 * the coarse maps are done before it, for each of the nine taps: weight (9 O,
 * C) in blocks 3 kx + ky, for two RESIZE_TAPS. */
static void
bind_fpn_bottleneck (D2vBinder *b, D2vUperNet *w, gsize h)
{
  const gchar *name = "decode_head.fpn_bottleneck";
  D2vTensor *weight = d2v_bind_source (b, d2v_shape (h, 4 * h, 3, 3),
                                       "/%s.conv.weight", name);
  g_autofree gchar *bn_name = g_strdup_printf ("%s.bn", name);
  BatchNorm bn;

  if (!bind_batch_norm (b, h, bn_name, &bn) || weight == NULL
      || weight->n_bytes != h * 4 * h * 9 * sizeof (gfloat)
      || !(w->fine.weight = made (b, d2v_shape (h, h, 3, 3)))
      || !(w->fine.bias = made (b, d2v_shape (h)))
      || !(w->coarse[0].weight = made (b, d2v_shape (9 * h, h)))
      || !(w->coarse[1].weight = made (b, d2v_shape (9 * h, h)))
      || !(w->coarse[2].weight = made (b, d2v_shape (9 * h, h))))
    return;
  for (gsize o = 0; o < h; o++)
    {
      gdouble f = fold_factor (&bn, o);

      ((gfloat *) w->fine.bias->data)[o]
          = (gfloat) (bn.shift[o] - bn.mean[o] * f);
      for (gsize c = 0; c < 4 * h; c++)
        for (gsize tap = 0; tap < 9; tap++)
          {
            gsize ky = tap / 3, kx = tap % 3, map = c / h;
            const gfloat *from = weight->data;
            gfloat *to = map == 0 ? (gfloat *) w->fine.weight->data
                                        + (o * h + c) * 9 + tap
                                  : (gfloat *) w->coarse[map - 1].weight->data
                                        + ((3 * kx + ky) * h + o) * h + c % h;
            *to = (gfloat) (from[(o * 4 * h + c) * 9 + tap] * f);
          }
    }
}

void
d2v_bind_upernet (D2vBinder *b, D2vUperNet *w)
{
  const D2vConfig *c = d2v_bind_config (b);
  gsize h = c->hidden_size;
  BatchNorm bn;

  if (bind_batch_norm (b, h, "fpn1.1", &bn))
    w->fpn1_a = bind_transposed (b, h, "fpn1.0", &bn);
  w->fpn1_b = bind_transposed (b, h, "fpn1.3", NULL);
  w->fpn2 = bind_transposed (b, h, "fpn2.0", NULL);
  for (guint i = 0; i < c->n_pool_scales; i++)
    {
      g_autofree gchar *name
          = g_strdup_printf ("decode_head.psp_modules.%u.1", i);
      w->psp[i] = bind_module (b, h, h, 1, name);
    }
  w->bottleneck = bind_module (b, h, h * (1 + c->n_pool_scales), 3,
                               "decode_head.bottleneck");
  for (guint i = 0; i < 3; i++)
    {
      g_autofree gchar *lateral
          = g_strdup_printf ("decode_head.lateral_convs.%u", i);
      g_autofree gchar *fpn = g_strdup_printf ("decode_head.fpn_convs.%u", i);
      w->lateral[i] = bind_module (b, h, h, 1, lateral);
      w->fpn[i] = bind_module (b, h, h, 3, fpn);
    }
  bind_fpn_bottleneck (b, w, h);
  w->classifier.weight = d2v_bind (b, d2v_shape (c->num_labels, h, 1, 1),
                                   "/decode_head.classifier.weight");
  w->classifier.bias
      = d2v_bind (b, d2v_shape (c->num_labels), "/decode_head.classifier.bias");
}

/* --------------------------------------------------------- recording -- */

static D2vValue
conv2d (D2vGraph *g, D2vValue x, const D2vConvModule *w,
        D2vActivation activation)
{
  x = d2v_graph_record (g, D2V_OP_CONV2D, 3,
                        (D2vValue[]){ x, d2v_graph_constant (g, w->weight),
                                      d2v_graph_constant (g, w->bias) },
                        NULL);
  return d2v_op_activate (g, x, activation);
}

static D2vValue
conv_module (D2vGraph *g, D2vValue x, const D2vConvModule *w)
{
  return conv2d (g, x, w, D2V_ACTIVATION_RELU);
}

/* (B, H, W, C) -> (B, 2H, 2W, C) */
static D2vValue
transposed (D2vGraph *g, D2vValue x, const D2vLinear *w,
            D2vActivation activation)
{
  x = d2v_op_activate (g, d2v_linear (g, x, w), activation);
  return d2v_graph_record (g, D2V_OP_SHUFFLE2, 1, &x, NULL);
}

static D2vValue
resize_like (D2vGraph *g, D2vValue x, D2vValue like)
{
  const D2vShape *from = d2v_graph_shape (g, x);
  const D2vShape *to = d2v_graph_shape (g, like);

  if (from->dim[1] == to->dim[1] && from->dim[2] == to->dim[2])
    return x;
  return d2v_graph_record (
      g, D2V_OP_RESIZE_BILINEAR, 1, &x,
      &(D2vAttributes){ .size = to->dim[1], .size_w = to->dim[2] });
}

/* Pyramid pooling on the last feature: means at several scales, brought back
 * to its size and joined with it. */
static D2vValue
psp (D2vGraph *g, const D2vConfig *c, const D2vUperNet *w, D2vValue x)
{
  D2vValue parts[1 + D2V_MAX_SCALES] = { x };

  for (guint i = 0; i < c->n_pool_scales; i++)
    {
      D2vValue p
          = d2v_graph_record (g, D2V_OP_ADAPTIVE_POOL, 1, &x,
                              &(D2vAttributes){ .size = c->pool_scales[i] });
      parts[1 + i] = resize_like (g, conv_module (g, p, &w->psp[i]), x);
    }
  x = d2v_graph_record (g, D2V_OP_CONCAT, 1 + c->n_pool_scales, parts, NULL);
  return conv_module (g, x, &w->bottleneck);
}

/* Hidden states as maps, at 4g, 2g, g and g / 2 (spec 4.7, 1 and 2). */
static void
make_pyramid (D2vGraph *g, const D2vConfig *c, const D2vUperNet *w,
              const D2vFeatures *features, D2vValue *f)
{
  gsize side = c->image_size_h / c->patch_size;

  for (guint i = 0; i < features->n && i < 4; i++)
    {
      const D2vShape shape = *d2v_graph_shape (g, features->feature[i]);
      D2vValue x
          = d2v_op_slice (g, features->feature[i], 1, 1, shape.dim[1] - 1);
      f[i] = d2v_op_reshape (
          g, x, d2v_shape (shape.dim[0], side, side, shape.dim[2]));
    }
  f[0] = transposed (g, f[0], &w->fpn1_a, D2V_ACTIVATION_GELU);
  f[0] = transposed (g, f[0], &w->fpn1_b, D2V_ACTIVATION_NONE);
  f[1] = transposed (g, f[1], &w->fpn2, D2V_ACTIVATION_NONE);
  if (features->n > 3)
    f[3] = d2v_graph_record (g, D2V_OP_MAX_POOL2, 1, &f[3], NULL);
}

static D2vValue
resize_taps (D2vGraph *g, D2vValue x, D2vValue sum, gint axis, gsize size)
{
  return d2v_graph_record (g, D2V_OP_RESIZE_TAPS, 2, (D2vValue[]){ x, sum },
                           &(D2vAttributes){ .axis = axis, .size = size });
}

/* relu (bn (conv3x3 (concat (o0, up (o1), up (o2), up (o3))))) without ever
 * making the upsampled maps: see bind_fpn_bottleneck(). */
static D2vValue
fuse_maps (D2vGraph *g, const D2vUperNet *w, const D2vValue *o)
{
  const D2vShape fine = *d2v_graph_shape (g, o[0]);
  D2vValue x = conv2d (g, o[0], &w->fine, D2V_ACTIVATION_NONE);

  for (guint i = 1; i < 4; i++)
    {
      D2vValue taps = d2v_linear (g, o[i], &w->coarse[i - 1]);
      taps = resize_taps (g, taps, D2V_NONE, 2, fine.dim[2]);
      x = resize_taps (g, taps, x, 1, fine.dim[1]);
    }
  return d2v_op_activate (g, x, D2V_ACTIVATION_RELU);
}

D2vValue
d2v_upernet (D2vGraph *g, const D2vConfig *c, const D2vUperNet *w,
             const D2vFeatures *features)
{
  D2vValue f[4], lateral[4], o[4];

  make_pyramid (g, c, w, features, f);
  for (guint i = 0; i < 3; i++)
    lateral[i] = conv_module (g, f[i], &w->lateral[i]);
  lateral[3] = psp (g, c, w, f[features->n > 3 ? 3 : 2]);
  for (guint i = 3; i > 0; i--)
    lateral[i - 1] = d2v_op_add (g, lateral[i - 1],
                                 resize_like (g, lateral[i], lateral[i - 1]));
  for (guint i = 0; i < 3; i++)
    o[i] = conv_module (g, lateral[i], &w->fpn[i]);
  o[3] = lateral[3];

  D2vValue x = fuse_maps (g, w, o);
  return conv2d (g, x, &w->classifier, D2V_ACTIVATION_NONE);
}
