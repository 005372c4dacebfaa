import {
  type Context,
  createTraceState,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { BasicTracerProvider, BatchSpanProcessor, type SpanExporter } from '@opentelemetry/sdk-trace-base';
import { codeOf, type StatusName } from '../../net/grpc-status.ts';
import { type AttemptAttributes, type CallSpan, parentOf, type Tracing } from './trace.ts';

export interface TracingOptions {
  /** Where OTLP over HTTP is taken: `http://collector:4318/v1/traces`. */
  readonly url: string;
  readonly serviceName: string;
  /** For one export, and for the last one when this ends. */
  readonly timeoutMs: number;
  /** Spans that wait to be sent; more are dropped. */
  readonly spansMax: number;
  /** An export failed: its spans are lost. */
  readonly onFailure: (error: unknown) => void;
}

const BATCH_MAX = 512;
const VALUE_CHARS_MAX = 512;
/** Of failures, those that are a server's own, by OpenTelemetry's conventions for gRPC. */
const OURS: readonly StatusName[] = [
  'UNKNOWN',
  'DEADLINE_EXCEEDED',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
];

/**
 * Spans of calls and of each attempt to ask a worker, sent in batches. Which are kept is the client's to say, else what
 * OTEL_TRACES_SAMPLER says. A receiver that is away costs its spans and nothing else.
 */
export function startTracing(options: TracingOptions): Tracing & { close(): Promise<void> } {
  const { url, timeoutMs, spansMax } = options;
  const exporter = watched(new OTLPTraceExporter({ url, timeoutMillis: timeoutMs }), options.onFailure);
  const processor = new BatchSpanProcessor(exporter, {
    exportTimeoutMillis: timeoutMs,
    maxQueueSize: spansMax,
    maxExportBatchSize: Math.min(BATCH_MAX, spansMax),
  });
  const provider = new BasicTracerProvider({
    resource: resourceOf({ 'service.name': options.serviceName }),
    spanLimits: { attributeValueLengthLimit: VALUE_CHARS_MAX },
    spanProcessors: [processor],
  });
  const tracer = provider.getTracer('samovar');
  return {
    begin: (path, way, get) => beginSpan(tracer, path, way, get),
    close: async () => {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, timeoutMs);
      });
      await Promise.race([provider.shutdown().catch(() => undefined), late]);
      clearTimeout(timer);
    },
  };
}

function beginSpan(
  tracer: Tracer,
  path: string,
  way: string,
  get: (name: string) => string | undefined,
): CallSpan {
  const attributes = { ...rpcOf(path), 'samovar.way': way };
  const span = tracer.startSpan(path.replace(/^\//, ''), { kind: SpanKind.SERVER, attributes }, given(get));
  const context = trace.setSpan(ROOT_CONTEXT, span);
  return {
    traceparent: headerOf(span),
    attempt: (asked) => {
      span.setAttribute('samovar.repository', asked.repo);
      const child = tracer.startSpan(
        asked.path.replace(/^\//, ''),
        { kind: SpanKind.CLIENT, attributes: attemptOf(asked) },
        context,
      );
      return { traceparent: headerOf(child), end: (status) => end(child, status, true) };
    },
    end: (status) => end(span, status, OURS.includes(status)),
  };
}

function rpcOf(path: string) {
  const [, service = '', method = path] = /^\/(.*)\/([^/]*)$/.exec(path) ?? [];
  return { 'rpc.system': 'grpc', 'rpc.service': service, 'rpc.method': method };
}

function attemptOf(asked: AttemptAttributes) {
  const [, host = asked.address, port = '0'] = /^(.*):(\d+)$/.exec(asked.address) ?? [];
  return {
    ...rpcOf(asked.path),
    'server.address': host,
    'server.port': Number(port),
    'samovar.repository': asked.repo,
    'samovar.attempt': asked.attempt,
  };
}

function end(span: Span, status: StatusName, isWrong: boolean): void {
  span.setAttribute('rpc.grpc.status_code', codeOf(status));
  if (status !== 'OK' && isWrong) span.setStatus({ code: SpanStatusCode.ERROR, message: status });
  span.end();
}

/** The client's trace, if it has one. */
function given(get: (name: string) => string | undefined): Context {
  const parent = parentOf(get('traceparent'));
  if (parent === undefined) return ROOT_CONTEXT;
  const state = get('tracestate');
  return trace.setSpanContext(ROOT_CONTEXT, {
    ...{ traceId: parent.trace, spanId: parent.span, traceFlags: parent.flags, isRemote: true },
    ...(state !== undefined && { traceState: createTraceState(state) }),
  });
}

function headerOf(span: Span): string {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
}

function watched(exporter: SpanExporter, onFailure: (error: unknown) => void): SpanExporter {
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        if (result.code !== 0) onFailure(result.error);
        done(result);
      }),
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => exporter.forceFlush?.(),
  };
}

/** Who sends. Its package makes nothing else of it. */
function resourceOf(attributes: Readonly<Record<string, string>>) {
  const resource = {
    attributes,
    merge: () => resource,
    getRawAttributes: () => Object.entries(attributes),
  };
  return resource as never;
}
