export { ownVersion } from '../config/shipped.ts';
