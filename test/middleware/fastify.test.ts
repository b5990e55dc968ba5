import { describeContract } from './contract.ts'

describeContract('fastify')
