/** Whether `work` is over, well or badly, within the time. It is not ended when it is not. */
export function isDoneWithin(work: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), timeoutMs)
    const finish = () => {
      clearTimeout(timer)
      resolve(true)
    }
    work.then(finish, finish)
  })
}
