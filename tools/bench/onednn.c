/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tools/bench/onednn.h"

#include <dnnl.h>

/* An inner product: x (m, k), w (n, k), both of rank 2. */
struct _D2vOneDnn
{
  dnnl_engine_t engine;
  dnnl_stream_t stream;
  dnnl_primitive_t product;
  dnnl_memory_t x, w, bias, y;
};

#if DNNL_VERSION_MAJOR >= 3
typedef dnnl_memory_desc_t Desc;
typedef const_dnnl_memory_desc_t DescRef;
#define REF(desc) (desc)

static Desc
desc_of (gsize rows, gsize columns, dnnl_format_tag_t tag)
{
  Desc desc = NULL;
  dnnl_dims_t dims = { (dnnl_dim_t) rows, (dnnl_dim_t) columns };

  dnnl_memory_desc_create_with_tag (&desc, columns > 0 ? 2 : 1, dims, dnnl_f32,
                                    tag);
  return desc;
}

static gboolean
describe (D2vOneDnn *self, Desc x, Desc w, Desc bias, Desc y,
          dnnl_primitive_desc_t *product)
{
  return dnnl_inner_product_forward_primitive_desc_create (
             product, self->engine, dnnl_forward_inference, x, w, bias, y, NULL)
         == dnnl_success;
}
#else
typedef dnnl_memory_desc_t Desc;
typedef const dnnl_memory_desc_t *DescRef;
#define REF(desc) (&(desc))

static Desc
desc_of (gsize rows, gsize columns, dnnl_format_tag_t tag)
{
  Desc desc;
  dnnl_dims_t dims = { (dnnl_dim_t) rows, (dnnl_dim_t) columns };

  dnnl_memory_desc_init_by_tag (&desc, columns > 0 ? 2 : 1, dims, dnnl_f32,
                                tag);
  return desc;
}

static gboolean
describe (D2vOneDnn *self, Desc x, Desc w, Desc bias, Desc y,
          dnnl_primitive_desc_t *product)
{
  dnnl_inner_product_desc_t desc;

  return dnnl_inner_product_forward_desc_init (&desc, dnnl_forward_inference,
                                               &x, &w, &bias, &y)
             == dnnl_success
         && dnnl_primitive_desc_create (product, &desc, NULL, self->engine,
                                        NULL)
                == dnnl_success;
}
#endif

static void
execute (D2vOneDnn *self, dnnl_primitive_t primitive, int n,
         const dnnl_exec_arg_t *args)
{
  dnnl_primitive_execute (primitive, self->stream, n, args);
  dnnl_stream_wait (self->stream);
}

/* @plain (n, k) into self->w, whose layout oneDNN chose. */
static void
pack (D2vOneDnn *self, Desc from, DescRef to, const gfloat *plain)
{
  dnnl_memory_t source;
  dnnl_primitive_desc_t desc;
  dnnl_primitive_t reorder;

  dnnl_memory_create (&source, REF (from), self->engine, (void *) plain);
  dnnl_reorder_primitive_desc_create (&desc, REF (from), self->engine, to,
                                      self->engine, NULL);
  dnnl_primitive_create (&reorder, desc);
  const dnnl_exec_arg_t args[]
      = { { DNNL_ARG_FROM, source }, { DNNL_ARG_TO, self->w } };
  execute (self, reorder, 2, args);
  dnnl_primitive_destroy (reorder);
  dnnl_primitive_desc_destroy (desc);
  dnnl_memory_destroy (source);
}

D2vOneDnn *
d2v_onednn_new (gsize m, gsize n, gsize k, const gfloat *w, const gfloat *bias)
{
  D2vOneDnn *self = g_new0 (D2vOneDnn, 1);
  Desc x_desc = desc_of (m, k, dnnl_ab), y_desc = desc_of (m, n, dnnl_ab);
  Desc bias_desc = desc_of (n, 0, dnnl_a);
  Desc any = desc_of (n, k, dnnl_format_tag_any);
  dnnl_primitive_desc_t product;

  if (dnnl_engine_create (&self->engine, dnnl_cpu, 0) != dnnl_success
      || dnnl_stream_create (&self->stream, self->engine,
                             dnnl_stream_default_flags)
             != dnnl_success
      || !describe (self, x_desc, any, bias_desc, y_desc, &product))
    {
      g_free (self);
      return NULL;
    }
  DescRef w_desc
      = dnnl_primitive_desc_query_md (product, dnnl_query_weights_md, 0);
  dnnl_primitive_create (&self->product, product);
  dnnl_memory_create (&self->x, REF (x_desc), self->engine, NULL);
  dnnl_memory_create (&self->y, REF (y_desc), self->engine, NULL);
  dnnl_memory_create (&self->bias, REF (bias_desc), self->engine,
                      (void *) bias);
  dnnl_memory_create (&self->w, w_desc, self->engine, DNNL_MEMORY_ALLOCATE);
  pack (self, desc_of (n, k, dnnl_ab), w_desc, w);
  dnnl_primitive_desc_destroy (product);
  return self;
}

void
d2v_onednn_run (D2vOneDnn *self, const gfloat *x, gfloat *y)
{
  dnnl_memory_set_data_handle (self->x, (void *) x);
  dnnl_memory_set_data_handle (self->y, y);
  const dnnl_exec_arg_t args[] = { { DNNL_ARG_SRC, self->x },
                                   { DNNL_ARG_WEIGHTS, self->w },
                                   { DNNL_ARG_BIAS, self->bias },
                                   { DNNL_ARG_DST, self->y } };
  execute (self, self->product, 4, args);
}

void
d2v_onednn_free (D2vOneDnn *self)
{
  if (self == NULL)
    return;
  dnnl_primitive_destroy (self->product);
  dnnl_memory_destroy (self->x);
  dnnl_memory_destroy (self->y);
  dnnl_memory_destroy (self->w);
  dnnl_memory_destroy (self->bias);
  dnnl_stream_destroy (self->stream);
  dnnl_engine_destroy (self->engine);
  g_free (self);
}
