import { Message, Subscription } from '@google-cloud/pubsub';
import { patch } from './points.ts';

export function acknowledgeOnReceipt(): void {
  patch(
    Subscription.prototype,
    'emit',
    (original) =>
      function (this: unknown, ...args) {
        const [event, message] = args;
        if (event === 'message' && message instanceof Message) message.ack();
        return original.apply(this, args);
      },
  );
}
